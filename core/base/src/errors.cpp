// errors: their sentences.
#include <workit/base/errors.hpp>

#include <workit/base/cancelled.hpp>

#include <workit/base/detail/duration_text.hpp>

namespace workit {
namespace {

std::string with_unit(const amount& a, const std::string& unit) {
  return unit.empty() ? to_string(a) : to_string(a) + ' ' + unit;
}

}  // namespace

cancelled::cancelled(cancel_reason why) : why_(std::move(why)) {}

void detail::cancel_thrower::leave(cancel_reason why) { throw cancelled(std::move(why)); }

task_cancelled::task_cancelled(cancel_reason why, std::string task)
    : error("task \"" + task + "\" was cancelled: " + describe(why)), why_(std::move(why)), task_(std::move(task)) {}

scope_cancelled::scope_cancelled(cancel_reason why, std::string scope)
    : error("scope \"" + scope + "\" was cancelled: " + describe(why)), why_(std::move(why)) {}

timed_out::timed_out(std::string what, time_span limit, const std::string& how)
    : error(what +
            (limit == duration::max()    ? " passed its deadline"
             : limit <= duration::zero() ? " had no time left: it was given " + detail::in_ms(limit)
                                         : " took longer than " + detail::in_ms(limit)) +
            (how.empty() ? "" : ": " + how)),
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

stack_exhausted::stack_exhausted(const std::string& scope, std::size_t left, std::size_t needed)
    : error("scope \"" + scope + "\" was not opened: " + std::to_string(left / 1024) +
            " KiB are left of its stack, and " + std::to_string(needed / 1024) +
            " have to be. Open fewer scopes inside each other, spawn a task, which has a stack of its own, or give "
            "fibers more (runtime_options::stack_size)") {}

circuit_open::circuit_open(std::string circuit, time_span retry_after)
    : error("circuit \"" + circuit + "\" is open" +
            (retry_after > duration::zero() ? ", for another " + detail::in_ms(retry_after)
                                            : ": its trial calls are under way")),
      retry_after_(retry_after) {}

}  // namespace workit
