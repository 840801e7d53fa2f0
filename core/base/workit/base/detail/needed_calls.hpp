// System calls without which nothing works, tried before anything begins.
#pragma once

#include <array>
#include <span>

namespace workit::detail {

/// A call with arguments with which the kernel refuses it, whatever it would do, by an errno that is neither EPERM nor
/// ENOSYS; or with which it does nothing.
struct needed_call {
  const char* name;
  long number;
  std::array<long, 5> harmless{};
};

/// Makes each of them. A container's seccomp filter, or a kernel that is too old, answers EPERM or ENOSYS: without a
/// word at the start, that would be a hang or a process that is left, in the middle of the work.
/// `user`: what needs them, as in "a pool of processes". Blocks: no; half a microsecond each.
/// Errors: start_failed, which names those that are refused.
void require_calls(std::span<const needed_call> all, const char* user);

}  // namespace workit::detail
