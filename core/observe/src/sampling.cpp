// sampling: what is kept, and what tells of a failure.
#include <workit/observe/sampling.hpp>

#include <workit/base/overloaded.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/number_text.hpp>

namespace workit {

sampling sampling::head(double rate, std::optional<std::uint64_t> seed) {
  WORKIT_CHECK_OPTION(rate >= 0 && rate <= 1,
                      "sampling::head(): the rate is " + detail::number_text(rate) + "; it is a probability, 0 to 1");
  sampling made(kind::head);
  made.rate_ = rate;
  made.seed_ = seed;
  return made;
}

sampling sampling::errors_and_slow(time_span slow) {
  WORKIT_CHECK_OPTION(slow >= duration::zero(), "sampling::errors_and_slow(): no work takes less than no time");
  sampling made(kind::errors_and_slow);
  made.slow_ = slow;
  return made;
}

bool sampling::keeps(const event_body& body) const {
  if (kind_ != kind::errors_and_slow) return kind_ != kind::off;
  if (const auto* ended = std::get_if<event::task_succeeded>(&body)) return ended->took >= slow_;
  if (const auto* line = std::get_if<event::log>(&body)) return line->level == log_level::error;
  return tells_of_failure(body);
}

bool sampling::chooses(double random) const noexcept {
  switch (kind_) {
    case kind::off:
      return false;
    case kind::head:
      return random < rate_;
    case kind::all:
    case kind::errors_and_slow:
      break;
  }
  return true;
}

bool tells_of_failure(const event_body& body) noexcept {
  return std::visit(detail::overloaded{
                        [](const event::task_failed&) { return true; },
                        [](const event::task_cancelled&) { return true; },
                        [](const event::cleanup_failed&) { return true; },
                        [](const event::cleanup_timed_out&) { return true; },
                        [](const event::loser_unresponsive&) { return true; },
                        [](const event::stop_ignored&) { return true; },
                        [](const event::telemetry_exhausted&) { return true; },
                        [](const event::scope_closing& closing) { return closing.why != nullptr; },
                        [](const auto&) { return false; },
                    },
                    body);
}

}  // namespace workit
