// Jobs that wait for a worker, most urgent first, and jobs that wait for a place among them.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <workit/workers/detail/job.hpp>

namespace workit::workers {

/// A FIFO for each priority; every step in constant time. Jobs beyond the limit wait outside, in a FIFO whatever their
/// priority, and are admitted as places fall free. External synchronisation: the pool's mutex.
class job_queue {
 public:
  explicit job_queue(std::size_t limit) noexcept : limit_(limit) {}

  /// Whether no job waits, inside or outside.
  [[nodiscard]] bool empty() const noexcept { return size_ == 0 && outside_.empty(); }
  /// How many are inside: `limit` at most.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t outside() const noexcept { return outside_.size(); }
  /// When the job that waits longest was submitted; `now` when none waits.
  [[nodiscard]] time_point oldest(time_point now) const noexcept;

  /// True when there was a place inside.
  bool push(std::shared_ptr<job> task);
  /// The next one to run, taken out. Requires: not empty().
  [[nodiscard]] std::shared_ptr<job> pop();
  /// Takes the job out; does nothing when it is not in.
  void remove(job& task);

 private:
  using fifo = std::list<std::shared_ptr<job>>;
  fifo& fifo_of(const job& task) noexcept;
  void admit_next();

  const std::size_t limit_;
  std::array<fifo, 3> inside_;
  fifo outside_;
  std::size_t size_ = 0;
};

}  // namespace workit::workers
