// The way of a job through the pool: queued, launched, settled; what comes between is in pool_collect and
// pool_completion.
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
  task->submitted_ = std::chrono::steady_clock::now();
  task->state_.store(job::state::queued, std::memory_order_release);
  {
    const lock guard(mutex_);
    ++unsettled_;
  }
  warden_.enlist(task);  // may stop it right here
  deferred_actions todo;
  {
    const lock guard(mutex_);
    note_whether_it_follows(task->submitted_);
    job_not_started answer;
    const auto no_worker_comes = !trouble_.empty() && (serving_ == nullptr || serving_->alive() == 0);
    if (life_ == life::fresh) answer.why = "pool \"" + options_.name + "\" was not started: call start() first";
    if (life_ == life::closing || life_ == life::closed) answer = stopped_answer();
    if (life_ == life::open && no_worker_comes) answer.why = trouble_;
    if (answer.why.empty() && task->state_.load(std::memory_order_acquire) == job::state::queued) {
      queue_.push(task);
      take_launches(todo);
      if (task->queued_ == job::place::outside && options_.when_full == when_full::refuse) {
        queue_.remove(*task);
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

void pool_core::deferred_actions::settle(std::shared_ptr<job> task, job_result result) {
  auto& s = settlements.emplace_back();
  s.task = std::move(task);
  s.result = std::move(result);
}

void pool_core::fail_queue(const job_not_started& answer, deferred_actions& todo) {
  while (!queue_.empty()) {
    auto task = queue_.pop();
    if (task->decide(job::state::queued, job::state::refused)) todo.settle(std::move(task), answer);
  }
}

void pool_core::take_launches(deferred_actions& todo) {
  while (!queue_.empty() && serving_ != nullptr && !serving_->idle.empty() && busy() < options_.workers) {
    auto task = queue_.pop();
    auto worker = serving_->idle.back();
    task->worker_ = worker;
    task->generation_ = worker->generation;
    task->launched_ = std::chrono::steady_clock::now();  // before others may settle it
    if (!task->decide(job::state::queued, job::state::running)) {
      task->worker_.reset();  // withdrawn; who did that settles it, after this lock
      task->launched_ = {};
      continue;
    }
    counts_.queue_wait.record(task->launched_ - task->submitted_);
    enter(worker, worker_state::running);
    ++worker->tasks;
    worker->task = task;
    todo.launches.push_back({std::move(task), std::move(worker)});
  }
  if (!todo.launches.empty() || !queue_.empty()) keep_health_checked();
  replenish(todo);
}

void pool_core::prewake_next(time_point lost, deferred_actions& todo) {
  last_loss_ = lost;
  if (task_follows_ && queue_.empty() && serving_ != nullptr && !serving_->idle.empty())
    todo.prewoken = serving_->idle.back();
}

void pool_core::note_whether_it_follows(time_point submitted) noexcept {
  constexpr auto shortly = std::chrono::microseconds(500);
  const auto lost = std::exchange(last_loss_, {});
  if (lost != time_point{}) task_follows_ = submitted - lost < shortly;
}

void pool_core::start_on_worker(const launch& l) {
  auto& [task, worker] = l;
  const auto limits = stricter(limits_, task->limits);
  for (unsigned place = 0; const auto& channel : task->call.channels) channel->connect(worker, place++, limits.output);
  if (auto why = worker->write_request(task->call, {.until = task->terms.until,
                                                    .grace = task->terms.grace,
                                                    .loop = task->terms.loop,
                                                    .name = task->name,
                                                    .limits = limits})) {
    if (!task->decide(job::state::running, job::state::refused)) return withdraw_launch(l);
    withdraw_launch(l);
    return settle(task, job_not_started{std::move(*why)});
  }
  if (worker->change_word(worker->word_in(phase::idle), worker->word_in(phase::running)))
    return wake(worker->control().word);
  // Withdrawn at the last moment; or the word is not what it can be, and the worker's death will tell the rest.
  if (worker->word() != worker->word_in(phase::stopped))
    kill_worker(*worker);
  else
    withdraw_launch(l);
}

void pool_core::withdraw_launch(const launch& l) {
  deferred_actions todo;
  {
    const lock guard(mutex_);
    if (release(l.worker, *l.task, worker_state::idle, todo)) take_launches(todo);
  }
  run(std::move(todo));
}

/// `next`: idle for a worker that could go on, unless a reload has left it behind; lost for one that is dying.
bool pool_core::release(const handle& worker, const job& task, worker_state next, deferred_actions& todo) {
  const bool has_it = worker->state == worker_state::running || worker->state == worker_state::collecting;
  if (!has_it || worker->task.get() != &task) return false;
  for (const auto& channel : task.call.channels) channel->disconnect();
  worker->task.reset();
  if (next == worker_state::idle && !worker->exited && worker->from == serving_) {
    worker->rewind();
    enter(worker, worker_state::idle);
    arm_shrink_timer();
    return true;
  }
  if (next == worker_state::idle && !worker->exited) todo.kills.push_back(worker);
  if (worker->from == serving_) losses_.push_back(std::chrono::steady_clock::now());
  enter(worker, worker_state::lost);
  if (worker->reclaimed) workers_.erase(worker->number);
  if (is_retired(worker->from.get()) && worker->from->busy == 0) worker->from->dismiss();
  return true;
}

void pool_core::settle(const std::shared_ptr<job>& task, job_result result) {
  warden_.retire(*task);  // from here on nobody asks it any more
  const auto now = std::chrono::steady_clock::now();
  const bool launched = task->launched_ != time_point{};
  task->used.worker = launched && task->worker_ ? task->worker_->pid : 0;
  task->used.queued = (launched ? task->launched_ : now) - task->submitted_;
  task->used.ran = launched ? now - task->launched_ : duration::zero();
  task->worker_.reset();
  task->pool_.reset();
  task->result = std::move(result);
  task->settled();
  const lock guard(mutex_);
  --unsettled_;
  changed_.notify_all();
}

void pool_core::run(deferred_actions todo) {
  for (const auto& worker : todo.kills) kill_worker(*worker);
  todo.kills.clear();
  for (const auto& l : todo.launches) start_on_worker(l);
  todo.launches.clear();
  for (auto& s : todo.settlements) {
    settle(s.task, std::move(s.result));
    s.task.reset();
  }
  if (todo.prewoken) todo.prewoken->prewake();
  if (todo.fork) warden_.post([self = shared_from_this()] { self->fork_workers(); });
  for (const auto& receipt : todo.reclaimed) receipt->set_reclaimed(std::chrono::steady_clock::now());
}

}  // namespace workit::workers
