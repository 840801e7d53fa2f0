// fiber: the one function through which every suspension goes.
#include <workit/fiber/detail/fiber.hpp>

#include <cxxabi.h>

#include <boost/fiber/context.hpp>
#include <exception>
#include <string>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/base/cancelled.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/fiber/detail/stoppable.hpp>

#include "sanitizer_switch.hpp"
#include "thread_stack.hpp"
#include "wake_timer.hpp"

namespace workit::detail {
namespace {

/// The per-thread state of C++ exceptions (Itanium C++ ABI, 2.2.2). Boost.Context 1.81 does not switch it: without
/// this, a fiber that suspends inside `catch` gets its neighbour's exception back.
struct exception_globals {
  void* caught;
  unsigned int uncaught;
};

[[gnu::noinline]] exception_globals take_exception_state() noexcept {
  auto* globals = reinterpret_cast<exception_globals*>(abi::__cxa_get_globals());
  return std::exchange(*globals, exception_globals{});
}

[[gnu::noinline]] void put_exception_state(exception_globals saved) noexcept {
  *reinterpret_cast<exception_globals*>(abi::__cxa_get_globals()) = saved;
}

}  // namespace

fiber::fiber(loop& l) : home(l), handle_(boost::fibers::context::active()) {
  running_ = this;
  arrive_on_stack(this, has_address_sanitizer && has_own_stack() ? &home.stacks() : nullptr);
  home.beat();
}

fiber::~fiber() { running_ = nullptr; }

fiber& fiber::require(const char* act) {
  auto* self = current();
  WORKIT_ASSERT(self != nullptr, std::string(act) + " suspends, and only a fiber can: it was called " +
                                     (loop::current() != nullptr
                                          ? "on the loop's own stack (an I/O handler, stop callback or event handler). "
                                            "Spawn a task from there instead"
                                          : "on a thread that is not the runtime's. Use runtime::run or spawn"));
  return *self;
}

bool fiber::has_own_stack() const noexcept {
  return static_cast<boost::fibers::context*>(handle_)->is_context(boost::fibers::type::worker_context);
}

std::size_t fiber::stack_left() noexcept {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (stack_low_ == 0) stack_low_ = has_own_stack() ? home.stacks().span_of(this).low : lowest_of_thread_stack(here);
  return here - stack_low_;
}

void fiber::switch_away(bool ready_again) {
  const auto exceptions = take_exception_state();
  running_ = nullptr;
  auto* self = static_cast<boost::fibers::context*>(handle_);
  if (ready_again)
    self->yield();
  else
    self->suspend();
  arrive_on_stack(this, has_address_sanitizer && has_own_stack() ? &home.stacks() : nullptr);
  running_ = this;
  home.beat();
  put_exception_state(exceptions);
}

void fiber::park(const char* note) {
  WORKIT_ASSERT(current() == this, "a fiber can only park itself");
  parked_ = true;
  has_given_way_ = true;
  note_ = note;
  // A bound that has passed woke its waiter. A fiber that parks again waits for something that has to come.
  if (std::uncaught_exceptions() > 0 && unwind_bound_ > home.now()) {
    const wake_timer bound(*this, unwind_bound_);
    switch_away(false);
  } else {
    switch_away(false);
  }
}

void fiber::wake() noexcept {
  if (!std::exchange(parked_, false)) return;
  boost::fibers::context::active()->schedule(static_cast<boost::fibers::context*>(handle_));
}

void fiber::yield() {
  WORKIT_ASSERT(current() == this, "a fiber can only yield for itself");
  switch_away(true);
}

bool fiber::interrupted() {
  if (!current_node->stopping()) return false;
  if (std::uncaught_exceptions() == 0) {
    unwind_bound_ = {};
    return true;
  }
  bound_unwinding();
  return home.now() >= unwind_bound_;
}

void fiber::bound_unwinding() {
  if (unwind_bound_ == time_point{}) unwind_bound_ = deadline_point::in(current_node->cleanup_bound(), home.now()).at();
}

void fiber::check() {
  if (!current_node->stopping()) return;
  has_given_way_ = false;
  stop_here();
}

void fiber::leave() {
  if (current_node->stopping()) stop_here();
}

[[gnu::cold]] void fiber::stop_here() {
  if (std::uncaught_exceptions() > 0) return;
  // A reference: a local with a destructor would stop the unwinder here, at every cancellation.
  const auto& why = current_node->ruling_cell().record()->why;
  unwind_bound_ = {};  // the unwinding that begins here has a bound of its own
  if (!has_given_way_) yield();
  throw cancelled(why);
}

}  // namespace workit::detail
