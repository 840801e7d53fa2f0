// The scheduling algorithm that makes Boost.Fiber and Asio take turns on one thread.
#pragma once

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>
#include <workit/detail/loop.hpp>

namespace workit::detail {

/// First in, first out. The dispatcher (on whose stack I/O handlers and timers run) gets its turn when nothing else is
/// ready, and after every 64 switches, so that a yielding fiber cannot starve the I/O of its thread.
class fiber_scheduler final : public boost::fibers::algo::algorithm {
 public:
  explicit fiber_scheduler(loop& owner) noexcept : loop_(owner) {}

  void awakened(boost::fibers::context* fiber) noexcept override {
    if (fiber->is_context(boost::fibers::type::dispatcher_context)) {
      dispatcher_ = fiber;
      return;
    }
    fiber->ready_link(ready_);
    ++count_;
  }

  boost::fibers::context* pick_next() noexcept override {
    if (boost::fibers::context::active()->is_context(boost::fibers::type::dispatcher_context)) {
      loop_.turn(count_);
      return take_ready();
    }
    if (dispatcher_ != nullptr && (count_ == 0 || ++switches_ % switches_per_turn == 0))
      return std::exchange(dispatcher_, nullptr);
    return take_ready();
  }

  [[nodiscard]] bool has_ready_fibers() const noexcept override { return count_ != 0 || dispatcher_ != nullptr; }

  void suspend_until(const std::chrono::steady_clock::time_point&) noexcept override { loop_.idle(); }
  void notify() noexcept override {}  // all that comes from other threads comes through the io_context

  static constexpr std::size_t switches_per_turn = 64;

 private:
  boost::fibers::context* take_ready() noexcept {
    if (ready_.empty()) return nullptr;
    auto* next = &ready_.front();
    ready_.pop_front();
    --count_;
    return next;
  }

  loop& loop_;
  boost::fibers::scheduler::ready_queue_type ready_;
  boost::fibers::context* dispatcher_ = nullptr;
  std::size_t count_ = 0;
  std::size_t switches_ = 0;
};

}  // namespace workit::detail
