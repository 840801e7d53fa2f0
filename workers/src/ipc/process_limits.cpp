// Limits as options, checked, and as numbers.
#include <workit/workers/process_limits.hpp>

namespace workit::workers {
namespace {

constexpr std::uint64_t least_memory = 64 * 1024;
constexpr std::uint64_t least_stack = 64 * 1024;
/// The kernel keeps 128 MiB below a stack free of mappings (arch/x86/mm/mmap.c, mmap_base()), less some random pages.
constexpr std::uint64_t most_stack = std::uint64_t{64} << 20;

}  // namespace

limit_values values_of(const process_limits& limits) noexcept {
  constexpr auto none = limit_values::none;
  limit_values v{.memory = limits.memory.value_or(none),
                 .files = limits.files.value_or(none),
                 .output = limits.output.value_or(none),
                 .stack = limits.stack.value_or(none),
                 .processes = limits.processes.value_or(none)};
  if (limits.cpu && *limits.cpu < duration::max()) v.cpu_ns = static_cast<std::uint64_t>(duration(*limits.cpu).count());
  return v;
}

limit_values stricter(const limit_values& a, const limit_values& b) noexcept {
  return {.memory = std::min(a.memory, b.memory),
          .cpu_ns = std::min(a.cpu_ns, b.cpu_ns),
          .files = std::min(a.files, b.files),
          .output = std::min(a.output, b.output),
          .stack = std::min(a.stack, b.stack),
          .processes = std::min(a.processes, b.processes)};
}

std::optional<std::string> complaint_about(const process_limits& limits) {
  if (limits.memory && *limits.memory < least_memory)
    return "limits.memory is " + std::to_string(*limits.memory) + " bytes; a task cannot run with less than 64 KiB";
  if (limits.cpu && *limits.cpu <= duration::zero()) return "limits.cpu has to be more than zero";
  if (limits.output && *limits.output == 0) return "limits.output has to be more than zero: every result takes a byte";
  if (limits.stack && (*limits.stack < least_stack || *limits.stack > most_stack))
    return "limits.stack is " + std::to_string(*limits.stack) + " bytes; it may be 64 KiB to 64 MiB";
  return std::nullopt;
}

}  // namespace workit::workers
