// Tasks that end otherwise than by a result: stopped, asked to stop, or with their worker.
#include "pool_core.hpp"
#include "task_end.hpp"

namespace workit::workers {

void pool_core::on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept {
  const auto self = task.shared_from_this();
  const bool withdrawn = task.state_.load(std::memory_order_acquire) == job::state::withdrawn;
  const auto now = std::chrono::steady_clock::now();
  // What it has sent to its channels before it was stopped is received before its end is seen.
  if (!withdrawn && !task.call.channels.empty()) hear({self, task.worker_}, packets_left::never);
  deferred_actions todo;
  if (!withdrawn) task.worker_->take_output(task.used);
  {
    const thread_lock guard(mutex_);
    count_stop(task, withdrawn ? stop_method::withdrawn : stop_method::killed, now);
    if (withdrawn) {
      dispatch_.withdraw(task);
      todo.complete(receipt);
    } else {
      const auto worker = task.worker_;
      release(worker, task, worker_state::lost, todo);
      if (worker->reclaimed) {
        todo.complete(receipt);
        counts_.reclaim_latency.record(duration::zero());
      } else {
        worker->receipt = receipt;
        worker->stopped_at = now;
      }
      launch_waiting(todo);
      prewake_next(now, todo);
    }
    todo.settle(self, job_stopped{std::move(receipt)});
  }
  run(std::move(todo));
}

void pool_core::count_stop(const job& task, stop_method how, time_point now) {
  const auto* cancelled = task.cell->record();
  if (cancelled != nullptr)
    counts_.stops.count(cancelled->why);
  else  // by the pool itself, or by the worker's own timer before the cell's
    counts_.stops.count(life_ == life::closing ? cancel_reason(reason::shutdown{}) : cancel_reason(reason::deadline{}));
  if (how == stop_method::withdrawn) return;
  counts_.killed += how == stop_method::killed;
  if (cancelled != nullptr) counts_.stop_latency.record(now - cancelled->at);
}

void pool_core::task_died(const handle& worker, const std::shared_ptr<job>& task, const worker_end& end) {
  hear({task, worker}, packets_left::never);
  std::optional<job_result> result;
  if (worker->word() == worker->word_in(phase::committed)) {
    try {
      result = worker->read_result(blocks_for(*task));
    } catch (const std::bad_alloc&) {
    }
  }
  const bool completed = result && task->decide(job::state::running, job::state::completed);
  const bool unseen = !completed && task->decide(job::state::launched, job::state::crashed);
  const bool crashed = unseen || (!completed && task->decide(job::state::running, job::state::crashed));
  if (!completed && !crashed) return;  // a stop was first: on_stopped() or the launcher lets go of the worker
  if (crashed) result = end_by_death(*worker, *task, end, stricter(limits_, task->limits), options_.name, !unseen);
  // One that has no worker_init is given tasks before it is ready.
  if (auto* n = std::get_if<job_not_started>(&*result))
    if (auto why = why_unready(*worker); crashed && !why.empty()) *n = {std::move(why)};
  worker->take_output(task->used);
  if (std::holds_alternative<job_gave_up>(*result)) result = end_by_giving_up(*task, worker->pid);
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    counts_.crashed += std::holds_alternative<job_crashed>(*result) || std::holds_alternative<job_lost>(*result);
    if (std::holds_alternative<job_stopped>(*result))
      count_stop(*task, crashed ? stop_method::killed : stop_method::cooperative, std::chrono::steady_clock::now());
    finished_ += !std::holds_alternative<job_stopped>(*result);
    release(worker, *task, worker_state::lost, todo);
    launch_waiting(todo);
    prewake_next(std::chrono::steady_clock::now(), todo);
    todo.settle(task, std::move(*result));
  }
  run(std::move(todo));
}

}  // namespace workit::workers
