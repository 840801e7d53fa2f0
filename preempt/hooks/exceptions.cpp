// Exceptions: from the throw to the catch a task is not left, and no return address is hijacked, for the unwinder reads
// them. What is hooked is the unwinder's three ways in, since std::rethrow_exception does not go by __cxa_throw.
// Itanium C++ ABI, 2.4 and 2.5; a thread_local's destructor, too, is registered here.
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

// These return only when nobody catches.
WORKIT_INTERPOSED _Unwind_Reason_Code _Unwind_RaiseException(_Unwind_Exception* e) {
  hold(held_exception);
  un_hijack();
  const auto nobody = real_raise.get()(e);
  let_go_if_held(held_exception);
  return nobody;
}

WORKIT_INTERPOSED _Unwind_Reason_Code _Unwind_Resume_or_Rethrow(_Unwind_Exception* e) {
  hold(held_exception);
  un_hijack();
  const auto nobody = real_rethrow.get()(e);
  let_go_if_held(held_exception);
  return nobody;
}

WORKIT_INTERPOSED _Unwind_Reason_Code _Unwind_ForcedUnwind(_Unwind_Exception* e, _Unwind_Stop_Fn stop, void* with) {
  hold(held_exception);
  un_hijack();
  const auto ended = real_forced.get()(e, stop, with);
  let_go_if_held(held_exception);
  return ended;
}

WORKIT_INTERPOSED void* __cxa_begin_catch(void* e) noexcept {  // NOLINT(bugprone-reserved-identifier)
  void* const object = real_begin_catch.get()(e);
  let_go_if_held(held_exception);
  return object;
}

// What a task has left in thread_locals is in no known state: its thread runs no other task.
WORKIT_INTERPOSED int __cxa_thread_atexit(void (*end)(void*), void* of, void* module) noexcept {  // NOLINT
  this_mark.has_thread_locals = true;
  return real_thread_atexit.get()(end, of, module);
}

WORKIT_INTERPOSED int __cxa_thread_atexit_impl(void (*end)(void*), void* of, void* module) noexcept {  // NOLINT
  this_mark.has_thread_locals = true;
  return real_thread_atexit_impl.get()(end, of, module);
}
