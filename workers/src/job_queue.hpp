// The tasks that wait for a worker, most urgent first.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <workit/workers/job.hpp>

namespace workit::workers {

/// First in, first out for each priority; every step in constant time. Threads: the pool serialises.
class job_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Since when the one that waits longest is here; `now` when nobody waits.
  [[nodiscard]] time_point oldest(time_point now) const noexcept;

  void push(std::shared_ptr<job> task);
  /// The next one to run, taken out. Requires: not empty().
  [[nodiscard]] std::shared_ptr<job> pop();
  /// Takes it out; one that is not in is fine.
  void remove(job& task);

 private:
  using line = std::list<std::shared_ptr<job>>;
  line& line_of(const job& task) noexcept;
  std::array<line, 3> lines_;
  std::size_t size_ = 0;
};

}  // namespace workit::workers
