// job_queue: one line for each priority, and one before the door.
#include "job_queue.hpp"

#include <algorithm>
#include <utility>

namespace workit::workers {

job_queue::line& job_queue::line_of(const job& task) noexcept {
  return lines_[std::min<std::size_t>(static_cast<std::size_t>(task.terms.priority), lines_.size() - 1)];
}

time_point job_queue::oldest(time_point now) const noexcept {
  for (const auto& line : lines_)
    if (!line.empty()) now = std::min(now, line.front()->submitted_);
  if (!outside_.empty()) now = std::min(now, outside_.front()->submitted_);
  return now;
}

bool job_queue::push(std::shared_ptr<job> task) {
  job& entry = *task;
  const bool inside = size_ < limit_;
  auto& line = inside ? line_of(entry) : outside_;
  entry.queued_at_ = line.insert(line.end(), std::move(task));
  entry.queued_ = inside ? job::place::inside : job::place::outside;
  size_ += inside;
  return inside;
}

std::shared_ptr<job> job_queue::pop() {
  const auto first = std::find_if(lines_.begin(), lines_.end(), [](const line& l) { return !l.empty(); });
  auto task = first != lines_.end() ? first->front() : outside_.front();  // outside only: a queue of no length
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
  line_of(task).erase(task.queued_at_);
  --size_;
  let_in();
}

void job_queue::let_in() {
  if (outside_.empty() || size_ >= limit_) return;
  job& next = *outside_.front();
  auto& line = line_of(next);
  line.splice(line.end(), outside_, outside_.begin());  // its iterator stays good
  next.queued_ = job::place::inside;
  ++size_;
}

}  // namespace workit::workers
