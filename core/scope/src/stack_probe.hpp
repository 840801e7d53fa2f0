// stack_probe: the stack of an I/O thread, taken from another thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <workit/base/clock.hpp>
#include <workit/base/reason.hpp>

namespace workit::detail {

class loop;

/// What an I/O thread was doing.
struct stack_sample {
  work_id task = 0;                ///< whose fiber it was; 0 on the loop's own stack (handlers)
  std::string name{};              ///< that task's
  std::string inside{};            ///< the innermost scope or cleanup it was in, if it was in one
  std::string_view stopped_for{};  ///< the kind of the reason for which it is to stop; empty while it is not
  time_point stopped_at{};         ///< when that was decided; machine time
  std::vector<void*> frames{};     ///< from the innermost out; empty when they could not be taken
};

/// Interrupts the thread of `of` and takes its stack, unless its beats are no longer `at_beats`: then it has moved on.
/// Borrows SIGURG meanwhile, whose default is to be ignored, so that a late one does no harm; while the program has a
/// handler of its own for it, there is no sample.
/// Blocks: the thread, up to `patience` (a thread that the kernel does not let answer, e.g. one that is being traced).
/// Threads: any but that one.
[[nodiscard]] std::optional<stack_sample> probe_stack(const loop& of, std::uint64_t at_beats, duration patience);

/// "function+0x12 (module)" of each frame, "module+0x3456" where the module does not export the function:
/// `addr2line -Cfie module 0x3456` then tells.
[[nodiscard]] std::vector<std::string> describe_frames(const std::vector<void*>& frames);

}  // namespace workit::detail
