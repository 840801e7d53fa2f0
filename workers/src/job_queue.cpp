// job_queue: one line for each priority.
#include "job_queue.hpp"

#include <algorithm>

namespace workit::workers {

job_queue::line& job_queue::line_of(const job& task) noexcept {
  return lines_[std::min<std::size_t>(static_cast<std::size_t>(task.terms.priority), lines_.size() - 1)];
}

time_point job_queue::oldest(time_point now) const noexcept {
  for (const auto& line : lines_)
    if (!line.empty()) now = std::min(now, line.front()->submitted_);
  return now;
}

void job_queue::push(std::shared_ptr<job> task) {
  auto& line = line_of(*task);
  job& entry = *task;
  entry.queued_at_ = line.insert(line.end(), std::move(task));
  entry.in_queue_ = true;
  ++size_;
}

std::shared_ptr<job> job_queue::pop() {
  const auto first = std::find_if(lines_.begin(), lines_.end(), [](const line& l) { return !l.empty(); });
  auto task = first->front();
  remove(*task);
  return task;
}

void job_queue::remove(job& task) {
  if (!task.in_queue_) return;
  task.in_queue_ = false;
  line_of(task).erase(task.queued_at_);
  --size_;
}

}  // namespace workit::workers
