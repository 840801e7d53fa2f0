// retry: the composables that repeat: retry, supervise, hedge; and the delays between attempts.
#include <workit/compose/retry.hpp>

#include <cmath>
#include <random>
#include <stdexcept>
#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/split_mix64.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/hedge.hpp>
#include <workit/compose/supervise.hpp>

#include "branches.hpp"

namespace workit {
namespace {

constexpr std::size_t most_attempts = 1000;

/// A seed that no other object of this process gets.
std::uint64_t fresh_seed() {
  static std::atomic<std::uint64_t> last{(std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}()};
  return detail::split_mix64::mix(last.fetch_add(1, std::memory_order_relaxed));
}

void check_delays(const char* what, time_span initial, time_span most) {
  WORKIT_CHECK_OPTION(initial >= duration::zero() && most >= duration::zero(),
                      std::string(what) + "(): initial_delay and max_delay may not be negative");
}

}  // namespace

duration backoff::delay(std::size_t failed, time_span initial, time_span most) const {
  if (function_) {
    const auto given = function_(failed);
    if (given < duration::zero())
      throw std::invalid_argument("the backoff function returned a negative delay after attempt " +
                                  std::to_string(failed));
    return std::min(given, most);
  }
  const double factor = shape_ == fixed    ? 1.0
                        : shape_ == linear ? static_cast<double>(failed)
                                           : std::exp2(static_cast<double>(failed - 1));
  using fractional = std::chrono::duration<double, duration::period>;
  return std::min(most, time_span(fractional(duration(initial)) * factor));
}

namespace detail {

jitter::jitter(std::optional<std::uint64_t> seed) : seeded_(seed.has_value()), state_(seed ? *seed : fresh_seed()) {}

jitter::jitter(const jitter& other)
    : seeded_(other.seeded_), state_(seeded_ ? other.state_.load(std::memory_order_relaxed) : fresh_seed()) {}

duration jitter::apply(duration d) noexcept {
  const auto bits =
      split_mix64::mix(state_.fetch_add(split_mix64::golden, std::memory_order_relaxed) + split_mix64::golden) >>
      11;  // 53 of them
  const double factor = 0.5 + static_cast<double>(bits) * 0x1p-54;
  return duration(static_cast<duration::rep>(static_cast<double>(d.count()) * factor));
}

void check_options(const retry_options& options) {
  WORKIT_CHECK_OPTION(options.times >= 1 && options.times <= most_attempts,
                      "retry(): times is " + std::to_string(options.times) + "; it may be 1 to 1,000 attempts");
  check_delays("retry", options.initial_delay, options.max_delay);
}

void check_options(const supervise_options& options) {
  WORKIT_CHECK_OPTION(
      options.max_restarts >= 1 && options.max_restarts <= most_attempts,
      "supervise(): max_restarts is " + std::to_string(options.max_restarts) + "; it may be 1 to 1,000");
  WORKIT_CHECK_OPTION(options.window > duration::zero(), "supervise(): the window has to be more than zero");
  check_delays("supervise", options.initial_delay, options.max_delay);
}

void check_options(const hedge_options& options) {
  WORKIT_CHECK_OPTION(options.max >= 1 && options.max <= most_attempts,
                      "hedge(): max is " + std::to_string(options.max) + "; it may be 1 to 1,000 attempts");
  WORKIT_CHECK_OPTION(options.after > duration::zero(),
                      "hedge(): after has to be more than zero; to start all at once is any()");
  WORKIT_CHECK_OPTION(options.grace > duration::zero(), "hedge(): the grace of its losers has to be more than zero");
}

namespace {

/// Runs `body` and returns its error, null if there is none; a cancellation passes through.
template <class Body>
std::exception_ptr error_of(Body&& body) {
  try {
    body();
    return nullptr;
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    return std::current_exception();
  }
}

/// Whether a retry around `n`, in the same task, tells of its attempts already.
bool is_in_attempt(const node& inner) {
  for (const auto* n = &inner; n != nullptr; n = n->parent) {
    if (const auto* said = n->said(); said != nullptr && said->attempt != 0) return true;
    if (dynamic_cast<const task_state_base*>(n) != nullptr) return false;
  }
  return false;
}

node& here() { return *node_of(fiber::require("a composable")); }

}  // namespace

void run_retry(context& ctx, const retry_options& options, jitter& random,
               const std::function<void(context&, std::size_t)>& attempt) {
  for (std::size_t number = 1;; ++number) {
    const auto failed = error_of([&] { attempt(ctx, number); });
    if (!failed) return;
    if (is_cancellation(failed) || number == options.times || (options.retry_if && !options.retry_if(failed)))
      std::rethrow_exception(failed);
    auto delay = options.backoff.delay(number, options.initial_delay, options.max_delay);
    if (options.jitter) delay = random.apply(delay);
    here().emit(event::task_retrying{number + 1, failed, delay});
    ctx.sleep_for(delay);
    if (options.before_retry) options.before_retry(ctx);
  }
}

void run_attempt(context& ctx, std::size_t number, scope_body body, std::string name) {
  auto& outside = here();
  const bool outermost = !is_in_attempt(outside);
  const auto began = ctx.now();
  auto how = event::attempt_end::cancelled;
  auto numbered = [&](workit::scope& s) {
    s.node().say().attempt = static_cast<unsigned>(number);
    s.check();
    body(s);
  };
  const auto tell = [&] {
    if (outermost) outside.emit(event::task_attempt{number, ctx.now() - began, how});
  };
  try {
    run_scope(ctx.node(), {.name = std::move(name)}, scope_body(numbered));
    how = event::attempt_end::succeeded;
  } catch (const cancelled&) {
    tell();
    throw;
  } catch (...) {
    if (!is_cancellation(std::current_exception())) how = event::attempt_end::failed;
    tell();
    throw;
  }
  tell();
}

void run_supervised(context& ctx, const supervise_options& options, const std::function<void(context&)>& run) {
  std::deque<time_point> restarts;  // those within the window
  for (std::size_t number = 2;; ++number) {
    const auto failed = error_of([&] { run(ctx); });
    if (!failed) return;
    if (is_cancellation(failed) || (options.restart_on && !options.restart_on(failed))) std::rethrow_exception(failed);
    const auto now = ctx.now();
    while (!restarts.empty() && now - restarts.front() >= options.window) restarts.pop_front();
    if (restarts.size() >= options.max_restarts) std::rethrow_exception(failed);
    restarts.push_back(now);
    const auto delay = options.backoff.delay(restarts.size(), options.initial_delay, options.max_delay);
    here().emit(event::task_retrying{number, failed, delay});
    ctx.sleep_for(delay);
  }
}

std::size_t run_hedge(context& ctx, const hedge_options& options, branch_bodies attempts) {
  std::optional<std::size_t> winner;
  branches::run(ctx, "hedge", options.grace, [&](branches& all) {
    std::vector<std::exception_ptr> errors;
    std::size_t started = 0;
    auto due = ctx.now();
    while (!winner && errors.size() < attempts.size()) {
      if (started < attempts.size() && (ctx.now() >= due || all.running() == 0)) {
        all.start(started, std::move(attempts[started]), false);
        ++started;
        due = deadline_point::in(options.after, ctx.now()).at();
      }
      const auto ended = started < attempts.size() ? all.next_until(due) : all.next();
      if (ended == nullptr) continue;
      if (ended->status() == task_status::succeeded) {
        winner = ended->index;
        all.dismiss(*ended);
      } else {
        errors.push_back(all.error_of(*ended));
        due = ctx.now();
      }
    }
    if (winner) return;
    fiber::require("hedge()").check();
    throw aggregate_error("hedge(): all " + std::to_string(attempts.size()) + " attempts failed", std::move(errors));
  });
  return *winner;
}

}  // namespace detail
}  // namespace workit
