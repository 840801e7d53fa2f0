// The way of a job through the pool: queued, launched, settled; pool_collect and pool_completion have what lies
// between.
#include <workit/base/assert.hpp>

#include "pool_core.hpp"

namespace workit::workers {

void pool_core::submit(std::shared_ptr<job> task) {
  WORKIT_ASSERT(task->state_.load() == job::state::fresh,
                "job \"" + task->name + "\" was submitted twice: make a new job for each run");
  WORKIT_ASSERT(task->terms.loop < loops_.size(), "job \"" + task->name + "\" names loop " +
                                                      std::to_string(task->terms.loop) + ", but pool \"" +
                                                      options_.name + "\" has " + std::to_string(loops_.size()));
  task->pool_ = shared_from_this();
  {
    const thread_lock guard(mutex_);
    dispatch_.arrived(*task);
  }
  warden_.enlist(task);  // may stop it right here
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    dispatch_.submitted(task->submitted_);
    job_not_started answer;
    if (life_ == life::fresh) answer.why = "pool \"" + options_.name + "\" was not started: call start() first";
    if (life_ == life::closing || life_ == life::closed) answer = stopped_answer();
    if (life_ == life::open && is_stranded()) answer.why = trouble_;
    if (answer.why.empty() && task->state_.load(std::memory_order_acquire) == job::state::queued) {
      dispatch_.enqueue(task);
      launch_waiting(todo);
      if (dispatch_.refuse_overflow(*task)) {
        answer = {"the queue of pool \"" + options_.name + "\" is full", refusal::queue_full, options_.queue_limit};
        ++counts_.refused;
      }
    }
    if (!answer.why.empty() && task->decide(job::state::queued, job::state::refused))
      todo.settle(std::move(task), std::move(answer));
  }
  run(std::move(todo));
}

job_not_started pool_core::stopped_answer() const {
  return {"pool \"" + options_.name + "\" was stopped", refusal::stopped};
}

void pool_core::launch_waiting(deferred_actions& todo) {
  dispatch_.launch(workers_, zygotes_, counts_.queue_wait, todo);
  if (todo.has_launches() || !dispatch_.queue().empty()) keep_health_checked();
  replenish(todo);
}

void pool_core::prewake_next(time_point lost, deferred_actions& todo) {
  dispatch_.worker_lost(lost);
  if (dispatch_.expects_task() && zygotes_.has_idle_worker()) todo.prewake(zygotes_.serving()->idle.back());
}

void pool_core::start(const launch& l, deferred_actions& todo) {
  auto& [task, worker] = l;
  const auto limits = stricter(limits_, task->limits);
  for (unsigned place = 0; const auto& channel : task->call.channels) channel->connect(worker, place++, limits.output);
  if (auto why = worker->write_request(task->call, {.until = task->terms.until,
                                                    .grace = task->terms.grace,
                                                    .loop = task->terms.loop,
                                                    .name = task->name,
                                                    .limits = limits})) {
    const bool is_ours = task->decide(job::state::launched, job::state::refused);
    withdraw_launch(l, todo);
    if (is_ours) todo.settle(task, job_not_started{std::move(*why)});
    return;
  }
  // Decided in the host's own memory: a worker could write into the word that its task has not begun.
  if (!task->publish()) return withdraw_launch(l, todo);
  if (worker->change_word(worker->word_in(phase::idle), worker->word_in(phase::running)))
    return wake(worker->control().word);
  kill(*worker);  // a stop was faster, or the worker has written nonsense; the stop or its death settles the task
}

void pool_core::withdraw_launch(const launch& l, deferred_actions& todo) {
  const thread_lock guard(mutex_);
  if (release(l.worker, *l.task, worker_state::idle, todo)) launch_waiting(todo);
}

/// `next`: idle for a worker that can go on, unless a reload has left it behind; lost for one that is dying.
bool pool_core::release(const handle& worker, const job& task, worker_state next, deferred_actions& todo) {
  if (!worker_table::has_task(*worker, task)) return false;
  for (const auto& channel : task.call.channels) channel->disconnect();
  const bool goes_on = next == worker_state::idle && !worker->exited;
  const bool serves = zygotes_.is_serving(*worker->from);
  if (goes_on && serves) {
    workers_.park(worker);
    changed_.notify_all();
    arm_shrink_timer();
    if (workers_.keeps_payloads()) payloads_.set_after(payloads_kept_for);
    return true;
  }
  if (goes_on) todo.kill(worker);
  if (serves) losses_.lost(std::chrono::steady_clock::now());
  lose(worker);
  zygotes_.dismiss_if_done(*worker->from);
  return true;
}

void pool_core::settle(const std::shared_ptr<job>& task, job_result result) {
  warden_.retire(*task);  // from here on the warden asks the job nothing
  const auto now = std::chrono::steady_clock::now();
  const bool launched = task->launched_ != time_point{};
  task->used.worker = launched && task->worker_ ? task->worker_->pid : 0;
  task->used.queued = (launched ? task->launched_ : now) - task->submitted_;
  task->used.ran = launched ? now - task->launched_ : duration::zero();
  task->worker_.reset();
  task->pool_.reset();
  task->result = std::move(result);
  task->settled();
  const thread_lock guard(mutex_);
  dispatch_.settled();
  changed_.notify_all();
}

void pool_core::post_fork() {
  warden_.post([self = shared_from_this()] { self->fork_workers(); });
}

}  // namespace workit::workers
