// agent_log: a window of events, and what they look like as JSON.
#include <workit/agent/agent_log.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/ring_buffer.hpp>
#include "json_text.hpp"

namespace workit {
namespace {

constexpr std::size_t most_events = 1'000'000;

}  // namespace

std::string_view to_string(agent_step s) noexcept {
  switch (s) {
    case agent_step::started:
      return "started";
    case agent_step::tool_started:
      return "tool_started";
    case agent_step::tool_succeeded:
      return "tool_succeeded";
    case agent_step::tool_failed:
      return "tool_failed";
    case agent_step::tool_cancelled:
      return "tool_cancelled";
    case agent_step::tool_killed:
      return "tool_killed";
    case agent_step::tool_refused:
      return "tool_refused";
    case agent_step::completed:
      return "completed";
    case agent_step::failed:
      return "failed";
    case agent_step::cancelled:
      return "cancelled";
  }
  return "?";
}

struct agent_log::book {
  explicit book(agent_log_options options) : events(options.max_events), on_event(std::move(options.on_event)) {}

  detail::ring_buffer<agent_event> events;
  const std::function<void(const agent_event&)> on_event;
};

agent_log::agent_log(agent_log_options options) {
  WORKIT_CHECK_OPTION(
      options.max_events >= 1 && options.max_events <= most_events,
      "agent_log_options.max_events is " + std::to_string(options.max_events) + "; it may be 1 to 1,000,000");
  book_ = std::make_shared<book>(std::move(options));
}

void agent_log::add(agent_event e) const {
  if (book_->on_event) {
    try {
      book_->on_event(e);
    } catch (...) {  // an observer cannot change what it observes
    }
  }
  book_->events.add(std::move(e));
}

std::vector<agent_event> agent_log::all() const { return book_->events.all(); }
std::uint64_t agent_log::dropped() const { return book_->events.dropped(); }

std::string to_json(const agent_event& e) {
  detail::json_object out;
  out.add("seq", e.seq)
      .add("agent", e.agent)
      .add("what", to_string(e.what))
      .add_if(!e.tool.empty(), "tool", e.tool)
      .add_if(e.call != 0, "call", e.call)
      .add_if(e.took != duration::zero(), "took_us", detail::microseconds(e.took));
  if (e.why) out.add("why", detail::json_of(*e.why));
  if (e.error) out.add("error", detail::json_of(*e.error));
  if (e.stop) out.add("stop", detail::json_of(scope_receipt::stop{e.tool, *e.stop}));
  return out.done().text();
}

}  // namespace workit
