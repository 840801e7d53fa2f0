// One worker as the host sees it: its block, its pidfd, its state.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <workit/base/deadline_point.hpp>
#include <workit/base/receipt.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/workers/detail/control_block.hpp>
#include <workit/workers/detail/job.hpp>

#include "captured_output.hpp"
#include "packets.hpp"

namespace workit::workers {

struct zygote_group;

/// How a worker ended, as its zygote tells it.
struct worker_end {
  int status = 0;                                    ///< as wait(2) gives it
  std::uint64_t cpu_us = 0;                          ///< user and system time since it was forked, its children's too
  out_of_memory oom_guess = out_of_memory::unknown;  ///< if it was the kernel that killed
  std::optional<int> violation{};                    ///< the forbidden system call for which it was killed
  std::optional<std::string> zygote{};               ///< what became of its zygote, which could not tell how it ended
};

/// Where a worker stands in its pool.
enum class worker_state {
  starting,    ///< asked of the zygote
  preparing,   ///< forked, in worker_init
  idle,        ///< parked
  running,     ///< has `task`, published or about to be
  collecting,  ///< a loop is taking its result
  lost,        ///< not to be used again; dead, or about to be
};

/// Owns the block's file and page, the pidfd and the host's ends of channel and output: all close with the last
/// reference.
class worker_handle {
 public:
  /// Makes a block for a new worker. Errors: start_failed.
  static std::shared_ptr<worker_handle> make(std::uint32_t number, std::shared_ptr<zygote_group> from,
                                             worker_output output);
  worker_handle(std::uint32_t number, std::shared_ptr<zygote_group> from, unique_fd block, control_block* control,
                unique_fd channel, unique_fd far_end, std::unique_ptr<captured_output> output) noexcept
      : number(number),
        from(std::move(from)),
        block_(std::move(block)),
        control_(control),
        channel_(std::move(channel)),
        far_end_(std::move(far_end)),
        output_(std::move(output)) {}
  ~worker_handle();
  worker_handle(const worker_handle&) = delete;
  worker_handle& operator=(const worker_handle&) = delete;

  const std::uint32_t number;                ///< the zygote's name for it
  const std::shared_ptr<zygote_group> from;  ///< whose child it is

  // Guarded by the pool's mutex.
  worker_state state = worker_state::starting;
  bool exited = false;
  bool reclaimed = false;                 ///< its memory is back, too
  worker_end end{};                       ///< once it has exited
  std::optional<int> violation{};         ///< the forbidden system call for which its zygote kills it
  bool orphaned = false;                  ///< its zygote is gone, or hangs: the warden watches the pidfd
  std::shared_ptr<job> task;              ///< while running or collecting
  std::uint32_t heard = 0;                ///< how many of its messages were received or are about to be
  std::shared_ptr<receipt_slot> receipt;  ///< of the stop that took it; completed when it is reclaimed
  time_point stopped_at{};                ///< with `receipt`
  time_point idle_since{};                ///< while idle
  deadline_point ready_by{};              ///< while preparing: else it is killed
  std::uint64_t tasks = 0;                ///< it has been given
  std::uint64_t first_memory = 0;         ///< bytes when it was ready
  /// Held while a packet is received and put into its channel, so that pieces keep the order in which they were sent.
  thread_mutex listening;
  // Written when it is forked, before it is idle.
  pid_t pid = 0;
  unique_fd pidfd;
  // Changes only while the worker has no task.
  std::uint32_t generation = 0;

  [[nodiscard]] control_block& control() const noexcept { return *control_; }
  [[nodiscard]] control_word word() const noexcept {
    return control_word(control_->word.load(std::memory_order_acquire));
  }
  /// Whether its worker_init, if any, has returned.
  [[nodiscard]] bool is_ready() const noexcept { return control_->ready.load(std::memory_order_acquire) == ready_now; }
  /// This task's word in that phase.
  [[nodiscard]] control_word word_in(phase p) const noexcept { return {generation, p}; }
  /// One change of the word; false when it was not `from`.
  bool change_word(control_word from, control_word to) noexcept;

  /// What the zygote is sent: the block, the worker's end of the channel, and that of its output's pipe if there is
  /// one. Call close_far_ends() afterwards.
  [[nodiscard]] std::vector<int> descriptors_for_zygote() const;
  void close_far_ends() noexcept;
  /// Null unless its output is captured.
  [[nodiscard]] captured_output* output() const noexcept { return output_.get(); }

  /// What goes with a call, beside its arguments.
  struct request_terms {
    deadline_point until{};
    duration grace{};
    std::uint32_t loop = 0;
    std::string_view name{};
    limit_values limits{};
  };
  /// Writes the request while the word is idle. Returns a sentence when it cannot.
  [[nodiscard]] std::optional<std::string> write_request(const remote_call& call, const request_terms& terms);
  /// Wakes a parked worker, which then spins for a moment: waking it takes longer than giving it a task.
  void prewake() noexcept;
  /// Asks the task to stop by itself. Threads: any; when two ask the same task, the reason may be a mix of both.
  void ask(std::uint32_t task_generation, const cancel_reason& why) noexcept;
  /// The host's end of the task channel.
  [[nodiscard]] int channel() const noexcept { return channel_.get(); }
  /// Sends the task an answer. It is dropped when the channel is full of answers that the task has not read.
  void answer(const bytes& content) const noexcept { static_cast<void>(send_packet(channel_.get(), content)); }
  /// The committed result, copied, with the shared buffers that came for it; nothing when the worker left no valid one.
  /// Errors: std::bad_alloc.
  [[nodiscard]] std::optional<job_result> read_result(attachments blocks) const;
  /// What the task has used, by its own account.
  void read_usage(worker_usage& to) const noexcept;
  /// What it has written, where that is captured. Called before another task can write.
  void take_output(worker_usage& to) const noexcept {
    if (output_) output_->take(to);
  }
  /// The signal of which its handler has made a note, or 0. Its end may be yet to come.
  [[nodiscard]] int noted_crash() const noexcept;
  /// Whether the note is complete, backtrace and all.
  [[nodiscard]] bool has_crashed() const noexcept;
  /// The backtrace of a crash; empty when there is none.
  [[nodiscard]] std::string read_backtrace() const;
  /// This process is about to kill it, so its SIGKILL is not taken for one from outside.
  void note_kill() noexcept { killed_by_us_.store(true, std::memory_order_release); }
  [[nodiscard]] bool killed_by_us() const noexcept { return killed_by_us_.load(std::memory_order_acquire); }
  /// Back to idle, as the next generation. Keeps at most `may_keep` bytes of payload for the next task, beside the
  /// first ones, which are always kept.
  void rewind(std::size_t may_keep) noexcept;
  /// Bytes of payload that it keeps, beside the first ones.
  [[nodiscard]] std::size_t kept() const noexcept { return kept_; }
  /// Gives up to `at_most` bytes of them back to the kernel, the last ones first. Requires: it is idle.
  void give_back(std::size_t at_most) noexcept;

 private:
  [[nodiscard]] std::byte* small_payload() const noexcept;
  /// Bytes of payload that are in memory and within the file, which never shrinks; a worker can make them more.
  [[nodiscard]] std::size_t allocated() const noexcept;
  /// The first `size` bytes of the payload, in this process's view of it, which grows; null when it cannot. The file
  /// has that size: it never shrinks. What the worker punches out of it reads as zeros.
  [[nodiscard]] std::byte* view(std::size_t size) const noexcept;
  [[nodiscard]] bool read_payload(bytes& to, std::uint64_t size) const;
  [[nodiscard]] std::optional<job_result> read_exceeded() const noexcept;

  unique_fd block_;
  control_block* control_;
  unique_fd channel_;
  unique_fd far_end_;
  const std::unique_ptr<captured_output> output_;
  std::atomic<bool> killed_by_us_{false};
  limit_values limits_{};
  std::size_t written_ = 0;  // bytes of the arguments of the current task
  std::size_t kept_ = 0;
  // Of the thread that writes a request or reads a result, one at a time:
  mutable std::byte* large_ = nullptr;
  mutable std::size_t large_size_ = 0;
};

}  // namespace workit::workers
