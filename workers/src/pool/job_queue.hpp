// The tasks that wait for a worker, most urgent first, and those that wait for a place among them.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <workit/workers/detail/job.hpp>

namespace workit::workers {

/// First in, first out for each priority; every step in constant time. It never holds more than its limit: who comes
/// beyond waits outside, and comes in, first come, first served, as places fall free. Threads: the pool serialises.
class job_queue {
 public:
  explicit job_queue(std::size_t limit) noexcept : limit_(limit) {}

  /// Whether nobody waits, inside or outside.
  [[nodiscard]] bool empty() const noexcept { return size_ == 0 && outside_.empty(); }
  /// How many are inside: `limit` at most.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t outside() const noexcept { return outside_.size(); }
  /// Since when the one that waits longest is here; `now` when nobody waits.
  [[nodiscard]] time_point oldest(time_point now) const noexcept;

  /// True when there was a place inside.
  bool push(std::shared_ptr<job> task);
  /// The next one to run, taken out. Requires: not empty().
  [[nodiscard]] std::shared_ptr<job> pop();
  /// Takes it out; one that is not in is fine.
  void remove(job& task);

 private:
  using line = std::list<std::shared_ptr<job>>;
  line& line_of(const job& task) noexcept;
  void let_in();

  const std::size_t limit_;
  std::array<line, 3> lines_;
  line outside_;
  std::size_t size_ = 0;
};

}  // namespace workit::workers
