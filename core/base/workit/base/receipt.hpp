// stop_receipt: the record of one stop: when it was requested, proven and reclaimed, and how.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>
#include <workit/base/boundary.hpp>
#include <workit/base/clock.hpp>
#include <workit/base/reason.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/thread_stop.hpp>

namespace workit {

/// How a task was stopped.
enum class stop_method : std::uint8_t {
  withdrawn,    ///< it had not started, and never will
  cooperative,  ///< it returned by itself after the request
  abandoned,    ///< its thread was led out of it, at a point where that does no harm
  refused,      ///< it would not have been safe: it runs on, on a thread that takes no other task
  killed,       ///< SIGKILL
};

/// What proves that no further instruction of the task can run. stopping.md of the kernel side: docs/proof-of-stop.md.
enum class stop_proof : std::uint8_t {
  none,
  returned,  ///< the code came back, or never began
  landed,    ///< its thread is back in the runtime's own code, on the runtime's own stack
  barrier,   ///< SIGKILL, then an expedited membarrier(2) interrupted every CPU that could run it
  notice,    ///< the kernel marked the worker's robust mutex OWNER_DIED
  pidfd,     ///< its pidfd became readable: the process has exited
};

/// One stop. Instants are machine time (steady_clock), also under a manual clock: they are measurements.
/// Every receipt begins with for_request().
struct stop_receipt {
  boundary where = boundary::fiber;
  stop_method method = stop_method::cooperative;
  stop_proof proof = stop_proof::none;
  cancel_reason why{};
  pid_t worker = 0;                       ///< the process that was stopped, 0 when none
  time_point requested{};                 ///< the cancel cell changed
  time_point stopped{};                   ///< proven: not one instruction later
  std::optional<time_point> reclaimed{};  ///< memory, descriptors and the process itself are back
  std::optional<thread_stop> thread{};    ///< at boundary::thread: where it was left, or why that was refused

  /// The receipt of a stop that `request` asked for and that is not proven yet.
  [[nodiscard]] static stop_receipt for_request(cancel_record request, boundary where, stop_method method);
  /// Not one instruction of the task has run after `at`.
  void set_proof(stop_proof by, time_point at) noexcept {
    proof = by;
    stopped = at;
  }
};

[[nodiscard]] std::string_view to_string(stop_method m) noexcept;
[[nodiscard]] std::string_view to_string(stop_proof p) noexcept;

/// A receipt that is still being written: released on `stopped`, completed on `reclaimed`.
/// Threads: any. Blocks: no (its own short lock; callbacks run outside it).
class receipt_slot {
 public:
  explicit receipt_slot(stop_receipt at_stop);
  ~receipt_slot();

  [[nodiscard]] stop_receipt get() const;
  /// Completes the receipt and calls the callbacks, on the calling thread. A second call changes nothing.
  void set_reclaimed(time_point at);
  /// Completes the receipt of a worker that would not die, whose memory never came back: without `reclaimed`. As
  /// set_reclaimed() otherwise.
  void give_up();
  /// Calls `then` once the receipt is complete: at once if it is.
  void when_reclaimed(std::function<void()> then);

 private:
  mutable thread_mutex mutex_;
  stop_receipt receipt_ WORKIT_GUARDED_BY(mutex_);
  bool given_up_ WORKIT_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> then_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit
