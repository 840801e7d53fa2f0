// One race between the end of a task and its stop, at a random offset.
#pragma once

#include <random>
#include <stdexcept>
#include <workit/workit.hpp>

namespace workit::test {

inline void spin_until(std::chrono::steady_clock::time_point end) {
  while (std::chrono::steady_clock::now() < end) {
  }
}
inline int spin_and_return(int us) {
  spin_until(std::chrono::steady_clock::now() + std::chrono::microseconds(us));
  return us;
}

struct race_score {
  std::uint64_t values = 0;
  std::uint64_t kills = 0;
  std::uint64_t withdrawals = 0;
  [[nodiscard]] std::uint64_t total() const { return values + kills + withdrawals; }
};

/// Starts a task of up to 60 us and cancels it after up to 120 us or, each fourth time, after up to 400. Then runs
/// another task, which a late stop would hit. Errors: std::logic_error when one of the two ended in an impossible way.
inline void race_once(scope& s, std::mt19937_64& random, race_score& score) {
  const auto work = static_cast<int>(random() % 60);
  auto task = s.spawn({.background = true}, offload({}, spin_and_return, work));
  if (random() % 4 == 0) {
    s.sleep_for(std::chrono::microseconds(random() % 400));
  } else {
    s.sleep_for(std::chrono::nanoseconds(1));  // it is dispatched; then its end is not noticed before the cancel
    spin_until(std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 120));
  }
  const bool decided = task.cancel("race");
  auto ended = task.result();
  const auto stops = task.receipt().stops;
  if (ended.is_error()) std::rethrow_exception(ended.error());
  if (ended.has_value()) {
    if (std::move(ended).value() != work) throw std::logic_error("the value of another task was delivered");
    if (!stops.empty()) throw std::logic_error("a task with a value has the receipt of a stop");
    ++score.values;
  } else {
    if (!decided) throw std::logic_error("a task was stopped without a request");
    const bool killed = !stops.empty() && stops[0].method == stop_method::killed;
    ++(killed ? score.kills : score.withdrawals);
  }
  const auto next = static_cast<int>(random() % 20);
  if (offload({}, spin_and_return, next)(s) != next) throw std::logic_error("the next task was hit");
}

}  // namespace workit::test
