// stall_report: which task or handler holds an I/O thread, and where.
#pragma once

#include <optional>
#include <string>
#include <vector>
#include <workit/base/clock.hpp>
#include <workit/base/reason.hpp>

namespace workit {

/// A stop that a task was told of.
struct told_to_stop {
  std::string_view kind{};  ///< the reason's: kind_of()
  duration since{};         ///< how long ago it was decided; machine time
};

/// A fiber or handler has not let go of its I/O thread for longer than runtime_options::stall_after: no other
/// fiber of that thread runs, no deadline of a manual clock fires, no stop token is told. Such work belongs behind a
/// boundary.
struct stall_report {
  std::size_t io_thread = 0;
  work_id task = 0;      ///< 0 on the loop's own stack: an I/O handler, stop callback or event handler
  std::string name{};    ///< the task's
  std::string inside{};  ///< the innermost scope or cleanup that it was in, if any
  std::optional<told_to_stop> stopping{};  ///< it goes on although it is to stop
  duration held{};  ///< at least so long; machine time, without what the whole process was stopped for
  /// 1 for a stall that is reported the first time, then 2, 3, ... every second while it lasts.
  std::uint64_t nth = 1;
  std::uint64_t suppressed = 0;  ///< reports before this one that the limit of 10 a minute has held back
  /// The stack, innermost function first: "function+0x12 (module)", or "module+0x3456" for addr2line(1). Empty when
  /// the thread could not be interrupted.
  std::vector<std::string> stack{};
};

/// A sentence, then a line for each function of the stack.
[[nodiscard]] std::string to_string(const stall_report& report);

}  // namespace workit
