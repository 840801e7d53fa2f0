// The words of the vocabulary as text, and the sentences of its errors.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/base/outcome.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/base/receipt.hpp>

namespace workit {
namespace {

std::string in_ms(duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

std::string with_unit(const amount& a, const std::string& unit) {
  return unit.empty() ? to_string(a) : to_string(a) + ' ' + unit;
}

}  // namespace

namespace detail {

void fail_assertion(const char* condition, const char* file, int line, const std::string& sentence) {
  std::fprintf(stderr, "workit: %s\n  (%s, at %s:%d)\n", sentence.c_str(), condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace detail

std::string_view kind_of(const cancel_reason& why) noexcept {
  static constexpr std::array names{"user",      "deadline", "timeout",     "parent_failed", "sibling_failed",
                                    "race_lost", "budget",   "scope_ended", "shutdown",      "manual"};
  static_assert(names.size() == std::variant_size_v<cancel_reason>);
  return names[why.index()];
}

std::string describe(const cancel_reason& why) {
  const std::string kind{kind_of(why)};
  return std::visit(detail::overloaded{
                        [&](const reason::user& r) { return r.message.empty() ? kind : kind + ": " + r.message; },
                        [&](const reason::deadline&) { return kind + " passed"; },
                        [&](const reason::timeout& r) { return kind + " of " + in_ms(r.limit); },
                        [&](const reason::parent_failed&) { return std::string("the scope's body failed"); },
                        [&](const reason::sibling_failed& r) { return "sibling \"" + r.name + "\" failed"; },
                        [&](const reason::race_lost& r) { return "race lost to task " + std::to_string(r.winner); },
                        [&](const reason::budget& r) { return "budget \"" + r.key + "\" overrun"; },
                        [&](const reason::scope_ended&) { return std::string("the scope ended"); },
                        [&](const reason::shutdown&) { return std::string("the runtime is shutting down"); },
                        [&](const reason::manual& r) { return kind + ": " + r.tag; },
                    },
                    why);
}

std::string_view kind_of(const lifecycle_event& e) noexcept {
  static constexpr std::array names{"scope_opened",       "scope_closing",
                                    "scope_closed",       "task_started",
                                    "task_succeeded",     "task_failed",
                                    "task_cancelled",     "cleanup_failed",
                                    "cleanup_timed_out",  "loser_unresponsive",
                                    "task_attempt",       "task_retrying",
                                    "progress",           "log",
                                    "telemetry_exhausted"};
  static_assert(names.size() == std::variant_size_v<event_body>);
  return names[e.body.index()];
}

std::string_view to_string(log_level l) noexcept {
  switch (l) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
  }
  return "?";
}

std::string_view to_string(stop_method m) noexcept {
  switch (m) {
    case stop_method::withdrawn:
      return "withdrawn";
    case stop_method::cooperative:
      return "cooperative";
    case stop_method::abandoned:
      return "abandoned";
    case stop_method::refused:
      return "refused";
    case stop_method::killed:
      return "killed";
  }
  return "?";
}

std::string_view to_string(stop_proof p) noexcept {
  switch (p) {
    case stop_proof::none:
      return "none";
    case stop_proof::returned:
      return "returned";
    case stop_proof::landed:
      return "landed";
    case stop_proof::barrier:
      return "barrier";
    case stop_proof::notice:
      return "notice";
    case stop_proof::pidfd:
      return "pidfd";
  }
  return "?";
}

[[noreturn]] void detail::throw_task_cancelled(const cancelled_task& ended) {
  throw task_cancelled(ended.why, ended.task);
}

[[noreturn]] void detail::refuse_reason(bool has_value) {
  WORKIT_ASSERT(false, std::string("an outcome was asked why it was cancelled, but it ") +
                           (has_value ? "has a value" : "is an error") + ": ask is_cancelled() first");
  std::abort();
}

task_cancelled::task_cancelled(cancel_reason why, std::string task)
    : error("task \"" + task + "\" was cancelled: " + describe(why)), why_(std::move(why)), task_(std::move(task)) {}

scope_cancelled::scope_cancelled(cancel_reason why, std::string scope)
    : error("scope \"" + scope + "\" was cancelled: " + describe(why)), why_(std::move(why)) {}

timed_out::timed_out(std::string what, duration limit)
    : error(what + (limit == duration::max() ? " passed its deadline" : " took longer than " + in_ms(limit))),
      limit_(limit) {}

budget_exceeded::budget_exceeded(reason::budget why)
    : error("budget \"" + why.key + "\" allows " + with_unit(why.limit, why.unit) + "; a charge of " +
            to_string(why.attempted) + " would make it " + to_string(why.spent)),
      why_(std::move(why)) {}

budget_not_set::budget_not_set(std::string key, const std::string& scope)
    : error("no budget \"" + key + "\" is set in \"" + scope + "\" or above it: give one in scope_options.budgets"),
      key_(std::move(key)) {}

value_not_set::value_not_set(std::string key, const std::string& scope)
    : error("context key \"" + key + "\" is not set in \"" + scope + "\" or above it, and has no default"),
      key_(std::move(key)) {}

invalid_amount::invalid_amount(const std::string& given)
    : error("\"" + given + "\" is no amount: it has to be a decimal of zero or more, below 2^63 of its smallest unit") {
}
invalid_amount::invalid_amount(const std::string& given, unsigned digits)
    : error("an amount of " + given + " is finer than its budget, which counts " + std::to_string(digits) +
            " decimal digits") {}

aggregate_error::aggregate_error(const std::string& what, std::vector<std::exception_ptr> errors)
    : error(what), errors_(std::move(errors)) {}

circuit_open::circuit_open(std::string circuit, duration retry_after)
    : error(
          "circuit \"" + circuit + "\" is open" +
          (retry_after > duration::zero() ? ", for another " + in_ms(retry_after) : ": its trial calls are under way")),
      retry_after_(retry_after) {}

stop_receipt receipt_slot::get() const {
  const thread_lock lock(mutex_);
  return receipt_;
}

void receipt_slot::set_reclaimed(time_point at) {
  std::vector<std::function<void()>> then;
  {
    const thread_lock lock(mutex_);
    if (receipt_.reclaimed) return;
    receipt_.reclaimed = at;
    then = std::move(then_);
  }
  for (auto& call : then) call();
}

void receipt_slot::when_reclaimed(std::function<void()> then) {
  {
    const thread_lock lock(mutex_);
    if (!receipt_.reclaimed) {
      then_.push_back(std::move(then));
      return;
    }
  }
  then();
}

}  // namespace workit
