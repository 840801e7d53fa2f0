// Which limit a task has reached, as one word that worker and host share.
#pragma once

#include <optional>
#include <workit/base/worker_errors.hpp>
#include <workit/workers/process_limits.hpp>

namespace workit::workers {

/// The note of a resource; 0 is none.
[[nodiscard]] constexpr std::uint32_t note_of(resource r) noexcept { return static_cast<std::uint32_t>(r) + 1; }

/// The resource of a note; nothing for any other number: a worker can write anything.
[[nodiscard]] constexpr std::optional<resource> noted(std::uint32_t note) noexcept {
  if (note == 0 || note > note_of(resource::stack)) return std::nullopt;
  return static_cast<resource>(note - 1);
}

[[nodiscard]] constexpr std::uint64_t limit_of(const limit_values& limits, resource r) noexcept {
  switch (r) {
    case resource::memory:
      return limits.memory;
    case resource::cpu:
      return limits.cpu_ns;
    case resource::files:
      return limits.files;
    case resource::processes:
      return limits.processes;
    case resource::output:
      return limits.output;
    case resource::stack:
      return limits.stack;
  }
  return limit_values::none;
}

}  // namespace workit::workers
