// detached_tasks: the registry of a runtime's detached tasks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <workit/base/deadline_point.hpp>
#include <workit/base/reason.hpp>
#include <workit/base/thread_mutex.hpp>

namespace workit {

/// One entry of the registry.
struct detached_task {
  work_id id = 0;
  std::string name{};
  time_point since{};  ///< the runtime's clock
  deadline_point until{};
};

/// The registry of a runtime's detached tasks. A task leaves it when its body, with all it captured, is gone.
/// Threads: any. Lifetime: the runtime's.
class detached_tasks {
 public:
  /// Those that have not ended, in the order in which they were made.
  [[nodiscard]] std::vector<detached_task> list() const;
  [[nodiscard]] std::size_t size() const;
  /// Cancels all that are listed; returns how many this call has stopped. Blocks: as scope::cancel, for each.
  std::size_t cancel(const cancel_reason& why);
  /// Waits until none is left, at most for `grace` of the machine's time; whether none is.
  /// Blocks: the calling thread; misuse on an I/O thread. With io_threads = 0 it waits for a thread that is in run().
  bool drain(time_span grace);

  /// For detached(): a place, taken before the task is made, and given back by the body that goes.
  class place {
   public:
    place(detached_tasks& registry, detached_task entry);
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    [[nodiscard]] std::uint64_t key() const noexcept { return key_; }

   private:
    detached_tasks& registry_;
    std::uint64_t key_;
  };
  /// The task in the place has this id and is cancelled so. One that has ended already is not listed any more.
  void attach(std::uint64_t key, work_id id, std::function<bool(const cancel_reason&)> cancel);

 private:
  struct entry {
    detached_task shown{};
    std::function<bool(const cancel_reason&)> cancel{};
    std::optional<cancel_reason> cancelled_early{};  // before attach()
  };

  mutable thread_mutex mutex_;
  std::condition_variable none_left_;
  std::uint64_t last_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, entry> entries_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit
