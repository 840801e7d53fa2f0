// The numbers of the descriptors that a zygote and its workers find open: what host, zygote and worker agree on.
#pragma once

namespace workit::workers {

/// In a zygote and in its workers, the writing ends of the pipes that wake the host's loops stand here and behind.
inline constexpr int first_loop_event = 4;

/// In a zygote: its end of the socket to the host.
inline constexpr int zygote_socket = 3;

/// In a worker: its control block, the pipes to the loops, the task channel, then what not every worker has.
struct worker_descriptors {
  unsigned loops = 0;      ///< pipes to loops; with worker_init the last one is for workers that are ready
  bool sandboxed = false;  ///< it has a socket to its zygote
  bool captured = false;   ///< its output goes to a pipe

  static constexpr int control_block = 3;
  [[nodiscard]] constexpr int loop_event(unsigned loop) const noexcept {
    return first_loop_event + static_cast<int>(loop);
  }
  [[nodiscard]] constexpr int ready_event() const noexcept { return loop_event(loops) - 1; }
  [[nodiscard]] constexpr int task_channel() const noexcept { return loop_event(loops); }
  [[nodiscard]] constexpr int zygote_channel() const noexcept { return sandboxed ? task_channel() + 1 : -1; }
  [[nodiscard]] constexpr int output_pipe() const noexcept { return captured ? task_channel() + 1 + sandboxed : -1; }
  /// The number behind them.
  [[nodiscard]] constexpr int end() const noexcept { return task_channel() + 1 + sandboxed + captured; }
};

}  // namespace workit::workers
