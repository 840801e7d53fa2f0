// job_queue: a FIFO for each priority, and an overflow FIFO.
#include "job_queue.hpp"

#include <algorithm>
#include <utility>

namespace workit::workers {

job_queue::fifo& job_queue::fifo_of(const job& task) noexcept {
  return inside_[std::min<std::size_t>(static_cast<std::size_t>(task.terms.priority), inside_.size() - 1)];
}

time_point job_queue::oldest(time_point now) const noexcept {
  for (const auto& each : inside_)
    if (!each.empty()) now = std::min(now, each.front()->submitted_);
  if (!outside_.empty()) now = std::min(now, outside_.front()->submitted_);
  return now;
}

bool job_queue::push(std::shared_ptr<job> task) {
  job& entry = *task;
  const bool inside = size_ < limit_;
  auto& waiting = inside ? fifo_of(entry) : outside_;
  entry.queued_at_ = waiting.insert(waiting.end(), std::move(task));
  entry.queued_ = inside ? job::place::inside : job::place::outside;
  size_ += inside;
  return inside;
}

std::shared_ptr<job> job_queue::pop() {
  const auto first = std::find_if(inside_.begin(), inside_.end(), [](const fifo& f) { return !f.empty(); });
  auto task = first != inside_.end() ? first->front() : outside_.front();  // a queue of length 0 has all outside
  remove(*task);
  return task;
}

void job_queue::remove(job& task) {
  const auto was = std::exchange(task.queued_, job::place::none);
  if (was == job::place::none) return;
  if (was == job::place::outside) {
    outside_.erase(task.queued_at_);
    return;
  }
  fifo_of(task).erase(task.queued_at_);
  --size_;
  admit_next();
}

void job_queue::admit_next() {
  if (outside_.empty() || size_ >= limit_) return;
  job& next = *outside_.front();
  auto& waiting = fifo_of(next);
  waiting.splice(waiting.end(), outside_, outside_.begin());  // keeps the iterator valid
  next.queued_ = job::place::inside;
  ++size_;
}

}  // namespace workit::workers
