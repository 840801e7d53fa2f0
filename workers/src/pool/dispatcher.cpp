// dispatcher: see the header.
#include "dispatcher.hpp"

#include <utility>

namespace workit::workers {

void dispatcher::arrived(job& task) noexcept {
  ++unsettled_;
  task.submitted_ = std::chrono::steady_clock::now();
  task.state_.store(job::state::queued, std::memory_order_release);
}

bool dispatcher::refuse_overflow(job& task) {
  if (when_full_ != when_full::refuse || task.queued_ != job::place::outside) return false;
  queue_.remove(task);
  return true;
}

void dispatcher::launch(worker_table& workers, const zygote_roles& zygotes, log2_histogram& queue_wait,
                        deferred_actions& todo) {
  while (!queue_.empty() && zygotes.has_idle_worker() && workers.busy() < workers_) {
    auto task = queue_.pop();
    auto worker = zygotes.serving()->idle.back();
    // Set before decide(): from then on others may settle it.
    task->worker_ = worker;
    task->generation_ = worker->generation;
    task->launched_ = std::chrono::steady_clock::now();
    if (!task->decide(job::state::queued, job::state::launched)) {
      task->worker_.reset();  // withdrawn; the stop settles it, after the pool's mutex is free
      task->launched_ = {};
      continue;
    }
    queue_wait.record(task->launched_ - task->submitted_);
    workers.give(worker, task);
    todo.start(std::move(task), std::move(worker));
  }
}

void dispatcher::answer_all(const job_not_started& answer, deferred_actions& todo) {
  while (!queue_.empty()) {
    auto task = queue_.pop();
    if (task->decide(job::state::queued, job::state::refused)) todo.settle(std::move(task), answer);
  }
}

void dispatcher::submitted(time_point now) noexcept {
  constexpr auto shortly = std::chrono::microseconds(500);
  const auto lost = std::exchange(last_loss_, {});
  if (lost != time_point{}) task_follows_ = now - lost < shortly;
}

}  // namespace workit::workers
