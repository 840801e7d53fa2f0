// Faults that are planted to see that the driver finds them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace workit::chaos {

enum class fault {
  leaked_descriptor,
  leaked_thread,
  leaked_process,
  leaked_memory,
  lost_cleanup,
  kept_function,
  wrong_value,
  torn_channel,
  unfinished_operation,
  missing_task,
  hang,
};

struct named_fault {
  fault what;
  std::string_view name;
  std::string_view found_by;  ///< a part of the complaint
};

inline constexpr std::array<named_fault, 11> faults{{
    {fault::leaked_descriptor, "leaked_descriptor", "descriptors"},
    {fault::leaked_thread, "leaked_thread", "threads"},
    {fault::leaked_process, "leaked_process", "processes"},
    {fault::leaked_memory, "leaked_memory", "blocks of memory"},
    {fault::lost_cleanup, "lost_cleanup", "cleanups"},
    {fault::kept_function, "kept_function", "functions that the library still keeps"},
    {fault::wrong_value, "wrong_value", "a wrong value"},
    {fault::torn_channel, "torn_channel", "a channel"},
    {fault::unfinished_operation, "unfinished_operation", "operations"},
    {fault::missing_task, "missing_task", "tasks of its receipt"},
    {fault::hang, "hang", "has not ended"},
}};

[[nodiscard]] constexpr const named_fault* fault_of(std::string_view name) noexcept {
  for (const auto& each : faults)
    if (each.name == name) return &each;
  return nullptr;
}

}  // namespace workit::chaos
