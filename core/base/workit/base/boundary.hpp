// boundary: where a task runs, and therefore how it can be stopped.
#pragma once

#include <cstdint>
#include <string_view>

namespace workit {

/// docs/boundaries.md has the promise of each.
enum class boundary : std::uint8_t {
  fiber,        ///< on an I/O thread; stops at its next suspension point
  cooperative,  ///< on a thread of the arena; stops at its next check()
  thread,       ///< on a thread of its own stack; stopped in place where that is safe, else refused with the reason
  process,      ///< in a forked worker; stopped by SIGKILL, unconditionally
};

/// What kind of work a task does; for people and metrics, it changes nothing.
enum class task_kind : std::uint8_t { io, llm, tool, cpu, custom };

[[nodiscard]] constexpr std::string_view to_string(boundary b) noexcept {
  switch (b) {
    case boundary::fiber:
      return "fiber";
    case boundary::cooperative:
      return "cooperative";
    case boundary::thread:
      return "thread";
    case boundary::process:
      return "process";
  }
  return "?";
}

[[nodiscard]] constexpr std::string_view to_string(task_kind k) noexcept {
  switch (k) {
    case task_kind::io:
      return "io";
    case task_kind::llm:
      return "llm";
    case task_kind::tool:
      return "tool";
    case task_kind::cpu:
      return "cpu";
    case task_kind::custom:
      return "custom";
  }
  return "?";
}

}  // namespace workit
