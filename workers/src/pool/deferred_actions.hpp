// What a pool has decided under its mutex and does without it.
#pragma once

#include <memory>
#include <utility>
#include <vector>
#include <workit/base/receipt.hpp>
#include <workit/workers/detail/job.hpp>

#include "launch.hpp"

namespace workit::workers {

/// A flat list of actions. It is a local variable of the function that takes the mutex; add to it under the mutex and
/// run() it without. Threads: one.
///
/// Invariants
/// 1. run() does the kinds in this order: kills, launches, settlements, the prewake, the fork, completed receipts. So
///    nothing that a caller waits for comes after what may cost a wake-up or a fork.
/// 2. Within a kind, what was decided first is done first.
/// 3. What an action adds to the list while it is done is done by the same run(); no action calls run().
class deferred_actions {
 public:
  void kill(std::shared_ptr<worker_handle> worker) { kills_.add(std::move(worker)); }
  void start(std::shared_ptr<job> task, std::shared_ptr<worker_handle> worker) {
    launches_.add({std::move(task), std::move(worker)});
  }
  void settle(std::shared_ptr<job> task, job_result result) { settlements_.add({std::move(task), std::move(result)}); }
  /// One worker at most: a later call replaces the earlier.
  void prewake(std::shared_ptr<worker_handle> worker) { prewoken_ = std::move(worker); }
  void fork_workers() noexcept { forks_ = true; }
  /// The worker of that stop is gone and its memory is back.
  void complete(std::shared_ptr<receipt_slot> receipt) { receipts_.add(std::move(receipt)); }

  [[nodiscard]] bool has_fork() const noexcept { return forks_; }
  [[nodiscard]] bool has_launches() const noexcept { return !launches_.empty(); }
  [[nodiscard]] bool has_settlements() const noexcept { return !settlements_.empty(); }

  /// Calls `actor` for each action: kill(worker), start(launch, *this), settle(job, result), prewake(worker),
  /// post_fork() and complete(receipt).
  template <class Actor>
  void run(Actor& actor) {
    for (;;) {
      if (!kills_.empty()) {
        actor.kill(*kills_.take());
      } else if (!launches_.empty()) {
        actor.start(launches_.take(), *this);
      } else if (!settlements_.empty()) {
        auto next = settlements_.take();
        actor.settle(next.task, std::move(next.result));
      } else if (const auto worker = std::exchange(prewoken_, nullptr)) {
        actor.prewake(*worker);
      } else if (std::exchange(forks_, false)) {
        actor.post_fork();
      } else if (!receipts_.empty()) {
        actor.complete(*receipts_.take());
      } else {
        return;
      }
    }
  }

 private:
  struct settlement {
    std::shared_ptr<job> task;
    job_result result;
  };
  /// First in, first out. What is taken leaves nothing behind that holds a worker or a job.
  template <class Action>
  class fifo {
   public:
    void add(Action a) { all_.push_back(std::move(a)); }
    [[nodiscard]] bool empty() const noexcept { return taken_ == all_.size(); }
    [[nodiscard]] Action take() { return std::move(all_[taken_++]); }

   private:
    std::vector<Action> all_;
    std::size_t taken_ = 0;
  };

  fifo<std::shared_ptr<worker_handle>> kills_;
  fifo<launch> launches_;
  fifo<settlement> settlements_;
  fifo<std::shared_ptr<receipt_slot>> receipts_;
  std::shared_ptr<worker_handle> prewoken_;
  bool forks_ = false;
};

}  // namespace workit::workers
