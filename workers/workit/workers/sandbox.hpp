// What a task in a worker process may ask of the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace workit {

/// Opt-in, of a pool. docs/design/0009-sandbox.md has the list of system calls and the reasons.
enum class sandbox : std::uint8_t {
  /// Everything that the host may do; the default, since most libraries open files.
  none,
  /// Computing, memory, threads and the worker's own channel, and no more: what a model or a solver needs once preload
  /// and worker_init have loaded everything. No new privileges, no capabilities, no descriptor but the worker's own.
  ///
  /// Questions that libraries are known to ask along the way (is this a terminal? how many processors are there?) fail
  /// softly. Anything else, as open, socket, exec, ptrace or fork, is not run: the worker is lost, and the task ends
  /// with sandbox_violated, which names the call. Linux 5.7 on x86-64; elsewhere the pool does not start, with a
  /// sentence.
  compute_only,
};

namespace workers {

/// Whether this kernel and processor have what sandbox::compute_only takes; else the end of a sentence that says what
/// is missing. Blocks: no.
[[nodiscard]] std::string missing_for_sandbox();

/// As in "openat"; "system call 999" for one without a name here, "a 32-bit system call" for -1.
[[nodiscard]] std::string system_call_name(int number);

}  // namespace workers
}  // namespace workit
