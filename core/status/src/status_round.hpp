// status_round: a question to several loops, and their answers so far.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/scope/snapshot.hpp>

namespace workit::detail {

class fiber;
class loop;

/// Threads: any; wait() and wait_until() one caller. Lifetime: shared with the questions under way, so that the
/// caller may give up.
class status_round : public std::enable_shared_from_this<status_round> {
 public:
  using question = std::function<void(const loop&, runtime_snapshot&)>;

  /// Asks all of `loops`. That on which it is called answers at once.
  static std::shared_ptr<status_round> ask(const std::vector<std::shared_ptr<loop>>& loops, question q);

  /// Waits for all answers. `asked`: the loop that was asked, or the first of several; without a thread of its own it
  /// is driven meanwhile. Blocks: the fiber, or the foreign thread. Cancel: the fiber's.
  /// Errors: asserts on a loop's own stack, if an answer is missing still; `act` is what the sentence names.
  void wait(const char* act, loop& asked);
  /// Waits until then at most. Blocks: the thread, which must be no loop's.
  void wait_until(time_point at);
  /// The answer of loop number i of those that were asked; none while it is missing.
  [[nodiscard]] std::optional<runtime_snapshot> answer(std::size_t i) const;

 private:
  void answered(std::size_t i, runtime_snapshot with);
  [[nodiscard]] bool complete() const;
  void wait_on_fiber(fiber& self);

  mutable thread_mutex mutex_;
  std::condition_variable all_here_;
  std::vector<std::optional<runtime_snapshot>> answers_ WORKIT_GUARDED_BY(mutex_);
  std::size_t missing_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<loop> back_ WORKIT_GUARDED_BY(mutex_);  // where the waiting fiber lives
  fiber* waiter_ = nullptr;                               // that loop's to read and clear
};

}  // namespace workit::detail
