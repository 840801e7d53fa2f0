// Where the exception was thrown that leaves a task.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

namespace workit::workers {

/// Calls body(argument). When an exception is about to leave it, records the addresses on the stack at the throw,
/// before anything is unwound; one that is caught inside costs nothing. One that std::rethrow_exception throws again
/// does not replace an earlier record. Records nothing on processors other than x86-64. Threads: the worker's one.
void call_tracing_throws(void (*body)(void*), void* argument);
template <class F>
void tracing_throws(F&& body) {
  using callable = std::remove_reference_t<F>;
  call_tracing_throws([](void* f) { (*static_cast<callable*>(f))(); }, std::addressof(body));
}

/// Forgets the record; before each task.
void clear_throw_trace() noexcept;

/// The recorded backtrace (backtrace_symbols(3) format), one frame a line, throwing frame first; empty when there is no
/// record, or no memory.
[[nodiscard]] std::string throw_trace_text();

}  // namespace workit::workers
