// Killing a process, and proving that none of its instructions runs any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <workit/base/deadline_point.hpp>
#include <workit/base/receipt.hpp>

namespace workit::preempt {

/// Registers the calling process as one that barrier() interrupts; a worker calls it before its first task. The
/// registration belongs to the address space: fork() inherits it, exec drops it. The caller of barrier() needs none.
/// False where the kernel has no expedited membarrier (Linux < 4.16, or filtered away). Blocks: about 1 us.
[[nodiscard]] bool register_for_barrier() noexcept;

/// Interrupts every CPU that runs a registered process and returns when all of them have answered:
/// membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED); never CMD_GLOBAL, which waits for an RCU grace period (8-21 ms).
///
/// After SIGKILL was sent to any number of registered processes, one call proves all of them stopped:
///  1. the sender marks every thread of the victim (kernel/signal.c: complete_signal() adds SIGKILL to each thread's
///     pending set) before the system call returns;
///  2. the barrier then interrupts each CPU on which a thread of a registered process is in user mode
///     (kernel/sched/membarrier.c: membarrier_global_expedited()), and waits until it has taken the interrupt;
///  3. on the way back to user mode the kernel looks for pending signals, finds SIGKILL, and ends the thread
///     (kernel/entry/common.c: exit_to_user_mode_loop()). A thread that was not on a CPU returns by the same way.
/// A system call of the victim that is under way is not ended. It may still write to memory shared with the victim, so
/// such memory is reused only once the process has been reaped.
/// False when the kernel refuses: nothing is proven then. Blocks: some tens of microseconds. Threads: any.
[[nodiscard]] bool barrier() noexcept;

/// Waits until the process behind `pidfd` has exited; false when it has not at `until`. Blocks: until then.
[[nodiscard]] bool wait_for_exit(int pidfd, deadline_point until) noexcept;

/// Whether it has exited. Blocks: no.
[[nodiscard]] inline bool has_exited(int pidfd) noexcept { return wait_for_exit(pidfd, deadline_point(time_point{})); }

/// What became of a SIGKILL.
enum class kill_answer {
  sent,    ///< every thread of the victim is marked
  gone,    ///< it has died and been reaped already
  denied,  ///< this process may not (it changed its credentials since)
  failed,  ///< anything else
};

/// Sends SIGKILL to the process behind `pidfd`, so never to another that took over its pid. Blocks: no. Threads: any.
/// Built with WORKIT_TEST_WITHOUT=kill it sends nothing and answers `sent`: the tests of the hard stop must then fail.
[[nodiscard]] kill_answer send_kill(int pidfd) noexcept;

/// A live process for the self-test to kill.
struct probe_victim {
  int pidfd = -1;
  /// In shared memory; the victim, registered for the barrier, increments it in a tight loop.
  const std::atomic<std::uint64_t>* counter = nullptr;
  /// The word of a life mutex that the victim's only thread holds; null when there is none.
  const std::uint32_t* death_word = nullptr;
};

/// The start-up self-test: kills the victim and returns the strongest proof that held. `barrier` when the counter did
/// not change after the barrier; else `notice` when the kernel marked the death word and has futex_waitv; else `pidfd`,
/// also when the victim cannot be killed. The caller reaps the victim. Blocks: until the victim has run and has exited.
[[nodiscard]] stop_proof probe_proof(const probe_victim& victim);

}  // namespace workit::preempt
