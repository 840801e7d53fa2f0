// A thread on which tasks are started, stopped from outside, and followed by a check of all that must have survived.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <support/seed.hpp>
#include <thread>
#include <workit/preempt/stoppable_thread.hpp>

namespace workit::test {

/// Ends the endless tasks, so that a test whose stop fails can end with a message.
extern std::atomic<bool> let_out;

/// Runs on the thread of a task that was stopped: allocator, stdio, exceptions, the mutex of the tasks, floating point.
void check_survivors();
/// How often it has.
extern std::atomic<int> survivors_checked;

/// A task at the thread boundary.
using task_body = void (*)();

struct stopped_task {
  preempt::run_end end;
  bool let_out = false;  ///< it was not stopped within the limit, and was asked to end
  stop_refusal why_not{};
};

/// One stoppable thread; it is replaced when a stop has retired it.
class stopping_fixture {
 public:
  explicit stopping_fixture(preempt::stoppable_options options = {}) : options_(options) { start_thread(); }
  ~stopping_fixture();
  stopping_fixture(const stopping_fixture&) = delete;
  stopping_fixture& operator=(const stopping_fixture&) = delete;

  /// Starts it; returns when it runs.
  void start(task_body body, deadline_point until = {});
  /// Kicks the task with back-off for at most `limit`, then lets it out. Waits for its end and for check_survivors().
  stopped_task stop(std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// Waits for the end without a kick.
  stopped_task wait();
  [[nodiscard]] bool has_ended() const { return state_.load(std::memory_order_acquire) == state::ended; }
  bool kick() { return on_->kick(number_); }
  /// What stands in the way now.
  [[nodiscard]] stop_refusal why_not() const { return on_->why_not(); }
  [[nodiscard]] bool kick_is_pending() const { return on_->kick_is_pending(); }
  [[nodiscard]] int kicked_on() const { return on_->kicked_on(); }
  [[nodiscard]] duration cpu_time() const { return on_->cpu_time(); }
  [[nodiscard]] pid_t thread_id() const { return on_->id(); }
  [[nodiscard]] int threads_used() const noexcept { return threads_; }

 private:
  enum class state : int { idle, asked, running, ended };
  void start_thread();
  void serve();
  void enter(state s) {
    state_.store(s, std::memory_order_release);
    state_.notify_all();
  }

  const preempt::stoppable_options options_;
  std::thread thread_;
  preempt::stoppable_thread* on_ = nullptr;
  std::atomic<state> state_{state::idle};
  std::atomic<bool> leaving_{false};
  std::atomic<bool> retires_{false};  ///< the thread whose task was the last may exit
  task_body body_ = nullptr;
  deadline_point until_{};
  std::uint64_t number_ = 0;
  preempt::run_end end_{};
  int threads_ = 0;
};

/// Spins for a time between 0 and `most`; after sleeps, all stops would hit the same place.
void wait_randomly(std::mt19937_64& random, std::chrono::microseconds most = std::chrono::microseconds(300));

}  // namespace workit::test
