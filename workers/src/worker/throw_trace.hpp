// Where the exception was thrown that leaves a task.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

namespace workit::workers {

/// Calls body(argument). When an exception is about to leave it, the addresses on the stack are noted as they are at
/// the throw, before anything is unwound; one that is caught inside costs nothing. One that std::rethrow_exception
/// throws again does not replace what was noted before. Nothing is noted where the unwinder cannot be asked (other
/// processors than x86-64). Threads: the one of a worker that runs tasks.
void call_noting_throws(void (*body)(void*), void* argument);
template <class F>
void noting_throws(F&& body) {
  using callable = std::remove_reference_t<F>;
  call_noting_throws([](void* f) { (*static_cast<callable*>(f))(); }, std::addressof(body));
}

/// Another task begins.
void forget_throw() noexcept;

/// What was noted, in the words of backtrace_symbols(3), a frame a line, the innermost, which threw, first; empty when
/// there is nothing, or no memory.
[[nodiscard]] std::string noted_throw();

}  // namespace workit::workers
