// A stoppable thread for one task, whose test kicks it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <workit/preempt/stoppable_thread.hpp>

namespace workit::test {

/// Starts `body` as a task on a thread of its own; the task is over before this ends.
class task_on_a_thread {
 public:
  explicit task_on_a_thread(std::function<void()> body, deadline_point until = {})
      : number(preempt::next_task_number()), body_(std::move(body)), thread_([this, until] { serve(until); }) {
    begun_.wait(false);
  }
  ~task_on_a_thread() {
    if (thread_.joinable()) thread_.join();
  }
  task_on_a_thread(const task_on_a_thread&) = delete;
  task_on_a_thread& operator=(const task_on_a_thread&) = delete;

  bool kick() { return handle->kick(number); }
  /// Kicks until the task has ended.
  void stop() {
    while (kick()) std::this_thread::yield();
  }
  [[nodiscard]] bool is_over() const { return over_; }
  preempt::run_end join() {
    thread_.join();
    return end_;
  }

  const std::uint64_t number;
  std::optional<preempt::kick_handle> handle;  ///< once the task has begun

 private:
  void serve(deadline_point until) {
    preempt::stoppable_thread here;
    handle.emplace(here);
    end_ = here.run(
        number, until,
        [](void* to) {
          auto& self = *static_cast<task_on_a_thread*>(to);
          self.begun_ = true;
          self.begun_.notify_all();
          self.body_();
        },
        this);
    over_ = true;
    begun_ = true;  // one that its deadline ended before its first line has not said so
    begun_.notify_all();
  }

  const std::function<void()> body_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> over_{false};
  preempt::run_end end_;
  std::thread thread_;
};

/// Skips where threads cannot be stopped, as under a sanitizer.
class with_stoppable_threads : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  }
};

}  // namespace workit::test
