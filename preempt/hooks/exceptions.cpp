// The interposed exception calls: a task is not left between throw and catch.
//
// No return address is hijacked meanwhile, since the unwinder reads them. The three entries of the unwinder are
// interposed, because std::rethrow_exception does not call __cxa_throw: Itanium C++ ABI, 2.4 and 2.5. So is the
// registration of the destructors of thread_locals.
#include <unwind.h>

#include "hooks.hpp"
#include "real.hpp"
#include "thread_state.hpp"

namespace workit::preempt {
namespace {

constinit real<decltype(::_Unwind_RaiseException)> real_raise("_Unwind_RaiseException");
constinit real<decltype(::_Unwind_Resume_or_Rethrow)> real_rethrow("_Unwind_Resume_or_Rethrow");
constinit real<decltype(::_Unwind_ForcedUnwind)> real_forced("_Unwind_ForcedUnwind");
constinit real<void*(void*)> real_begin_catch("__cxa_begin_catch");
using at_thread_exit = int(void (*)(void*), void*, void*);
constinit real<at_thread_exit> real_thread_atexit("__cxa_thread_atexit");
constinit real<at_thread_exit> real_thread_atexit_impl("__cxa_thread_atexit_impl");

}  // namespace

void resolve_exceptions() noexcept {
  real_raise.resolve();
  real_rethrow.resolve();
  real_forced.resolve();
  real_begin_catch.resolve();
  real_thread_atexit.resolve();
  real_thread_atexit_impl.resolve();
}

}  // namespace workit::preempt

using namespace workit::preempt;

// These return only when the exception is not caught.
WORKIT_INTERPOSED_WEAKLY _Unwind_Reason_Code _Unwind_RaiseException(_Unwind_Exception* e) {
  hold(held_exception);
  un_hijack();
  const auto uncaught = real_raise.get()(e);
  let_go_if_held(held_exception);
  return uncaught;
}

WORKIT_INTERPOSED_WEAKLY _Unwind_Reason_Code _Unwind_Resume_or_Rethrow(_Unwind_Exception* e) {
  hold(held_exception);
  un_hijack();
  const auto uncaught = real_rethrow.get()(e);
  let_go_if_held(held_exception);
  return uncaught;
}

WORKIT_INTERPOSED_WEAKLY _Unwind_Reason_Code _Unwind_ForcedUnwind(_Unwind_Exception* e, _Unwind_Stop_Fn stop,
                                                                  void* with) {
  hold(held_exception);
  un_hijack();
  const auto ended = real_forced.get()(e, stop, with);
  let_go_if_held(held_exception);
  return ended;
}

WORKIT_INTERPOSED_WEAKLY void* __cxa_begin_catch(void* e) noexcept {  // NOLINT(bugprone-reserved-identifier)
  void* const object = real_begin_catch.get()(e);
  let_go_if_held(held_exception);
  return object;
}

// The thread_locals of a task that was left are in no known state, so its thread runs no other task.
WORKIT_INTERPOSED_WEAKLY int __cxa_thread_atexit(void (*end)(void*), void* of, void* module) noexcept {  // NOLINT
  this_mark.has_thread_locals = true;
  return real_thread_atexit.get()(end, of, module);
}

WORKIT_INTERPOSED int __cxa_thread_atexit_impl(void (*end)(void*), void* of, void* module) noexcept {  // NOLINT
  this_mark.has_thread_locals = true;
  return real_thread_atexit_impl.get()(end, of, module);
}
