// fiber_scheduler: the algorithm by which Boost.Fiber and Asio take turns on one thread.
#pragma once

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>
#include <workit/fiber/detail/loop.hpp>

#include "handler_stack.hpp"
#include "sanitizer_switch.hpp"

namespace workit::detail {

/// First in, first out. When no fiber is ready, queued tasks begin. The dispatcher (which runs I/O handlers and timers,
/// on the handler stack) gets its turn when there is neither, and after every 64 switches, so that fibers that yield,
/// or spawn, or join cannot starve the I/O of their thread.
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
      arrive_on_stack(__builtin_frame_address(0));
      loop_.handler_stack_->run([this] { loop_.turn(count_); });
      return take_ready();
    }
    const bool turn_is_due = ++switches_ % switches_per_turn == 0;
    if (count_ == 0 && !turn_is_due) loop_.begin_queued(0);
    if (dispatcher_ != nullptr && (count_ == 0 || turn_is_due)) return std::exchange(dispatcher_, nullptr);
    return take_ready();
  }

  [[nodiscard]] bool has_ready_fibers() const noexcept override { return count_ != 0 || dispatcher_ != nullptr; }

  void suspend_until(const std::chrono::steady_clock::time_point&) noexcept override {
    loop_.handler_stack_->run([this] { loop_.idle(); });
  }
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
