// The way of a job through the pool: queued, launched, collected or stopped, settled.
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <workit/base/assert.hpp>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"

namespace workit::workers {

void pool_core::submit(std::shared_ptr<job> task) {
  WORKIT_ASSERT(task->state_.load() == job::state::fresh,
                "job \"" + task->name + "\" was submitted twice: make a new job for each run");
  WORKIT_ASSERT(task->loop < loops_.size(), "job \"" + task->name + "\" names loop " + std::to_string(task->loop) +
                                                ", but pool \"" + options_.name + "\" has " +
                                                std::to_string(loops_.size()));
  task->pool_ = shared_from_this();
  task->submitted_at_ = std::chrono::steady_clock::now();
  task->state_.store(job::state::queued, std::memory_order_release);
  {
    const lock guard(mutex_);
    ++unsettled_;
  }
  warden_.enlist(task);  // may stop it right here
  errands todo;
  {
    const lock guard(mutex_);
    job_not_started answer;
    const auto no_worker_will_come = !trouble_.empty() && (serving_ == nullptr || serving_->alive() == 0);
    if (life_ == life::fresh) answer.why = "pool \"" + options_.name + "\" was not started: call start() first";
    if (life_ == life::closing || life_ == life::closed) answer = stopped_answer();
    if (life_ == life::broken || (life_ == life::open && no_worker_will_come)) answer.why = trouble_;
    if (answer.why.empty() && task->state_.load(std::memory_order_acquire) == job::state::queued) {
      queue_.push(task);
      take_launches(todo);
      if (task->in_queue_ && queue_.size() > options_.queue_limit && options_.when_full == when_full::refuse) {
        queue_.remove(*task);
        answer = {"the queue of pool \"" + options_.name + "\" is full", refusal::queue_full, options_.queue_limit};
        ++counts_.refused;
      }
      todo.fork = short_of_workers() != nullptr;
    }
    if (!answer.why.empty() && task->decide(job::state::queued, job::state::refused))
      todo.settle(std::move(task), std::move(answer));
  }
  run(std::move(todo));
}

job_not_started pool_core::stopped_answer() const {
  return {"pool \"" + options_.name + "\" was stopped", refusal::stopped};
}

void pool_core::errands::settle(std::shared_ptr<job> task, job_result result) {
  auto& s = settlements.emplace_back();
  s.task = std::move(task);
  s.result = std::move(result);
}

void pool_core::fail_queue(const job_not_started& answer, errands& todo) {
  while (!queue_.empty()) {
    auto task = queue_.pop();
    if (task->decide(job::state::queued, job::state::refused)) todo.settle(std::move(task), answer);
  }
}

void pool_core::take_launches(errands& todo) {
  while (!queue_.empty() && serving_ != nullptr && !serving_->idle.empty() && busy() < options_.workers) {
    auto task = queue_.pop();
    auto worker = serving_->idle.back();
    task->worker_ = worker;
    task->generation_ = worker->generation;
    if (!task->decide(job::state::queued, job::state::running)) {
      task->worker_.reset();  // withdrawn; who did that settles it, after this lock
      continue;
    }
    counts_.queue_wait.record(std::chrono::steady_clock::now() - task->submitted_at_);
    enter(worker, worker_state::running);
    ++worker->tasks;
    worker->task = task;
    todo.launches.push_back({std::move(task), std::move(worker)});
  }
}

void pool_core::start_on_worker(const launch& l) {
  auto& [task, worker] = l;
  if (auto why = worker->write_request(task->call, task->until, task->loop)) {
    if (!task->decide(job::state::running, job::state::refused)) return withdraw_launch(l);
    withdraw_launch(l);
    return settle(task, job_not_started{std::move(*why)});
  }
  if (worker->change_word(worker->word_in(phase::idle), worker->word_in(phase::running)))
    return wake(worker->control().word);
  // Withdrawn at the last moment; or the word is not what it can be, and the worker's death will tell the rest.
  if (worker->word() != worker->word_in(phase::stopped))
    static_cast<void>(preempt::send_kill(worker->pidfd.get()));
  else
    withdraw_launch(l);
}

void pool_core::withdraw_launch(const launch& l) {
  errands todo;
  {
    const lock guard(mutex_);
    if (release(l.worker, *l.task, worker_state::idle, todo)) take_launches(todo);
  }
  run(std::move(todo));
}

/// `next`: idle for a worker that could go on, unless a reload has left it behind; lost for one that is dying.
bool pool_core::release(const handle& worker, const job& task, worker_state next, errands& todo) {
  const bool has_it = worker->state == worker_state::running || worker->state == worker_state::collecting;
  if (!has_it || worker->task.get() != &task) return false;
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
  if (worker->exited) workers_.erase(worker->number);
  if (is_retired(worker->from.get()) && worker->from->busy == 0) worker->from->dismiss();
  todo.fork = true;
  return true;
}

void pool_core::collect(std::size_t loop) {
  std::vector<launch> done, crashing;
  {
    const lock guard(mutex_);
    if (busy() == 0) return;
    for (auto& [number, worker] : workers_) {
      if (worker->state != worker_state::running || worker->task->loop != loop) continue;
      if (worker->word() == worker->word_in(phase::committed)) {
        enter(worker, worker_state::collecting);
        done.push_back({worker->task, worker});
      } else if (worker->control().crash_signal.load(std::memory_order_acquire) != 0) {
        crashing.push_back({worker->task, worker});
      }
    }
  }
  for (const auto& l : done) take_result(l);
  if (!crashing.empty()) end_crashing(crashing);
}

/// A worker that has noted its crash may take long to die. It is helped along, and with a proof there is no need to
/// wait for its exit.
void pool_core::end_crashing(const std::vector<launch>& crashing) {
  for (const auto& l : crashing) static_cast<void>(preempt::send_kill(l.worker->pidfd.get()));
  if (warden_.proof() != stop_proof::barrier || !preempt::barrier()) return;
  for (const auto& l : crashing) task_died(l.worker, l.task, l.worker->control().crash_signal.load() & 0x7f);
}

void pool_core::take_result(const launch& l) {
  const auto& [task, worker] = l;
  std::optional<job_result> result;
  try {
    result = worker->read_result();
  } catch (const std::bad_alloc&) {
    result = job_exception{"std::bad_alloc", "the host has no memory for the result"};
  }
  if (result && task->decide(job::state::running, job::state::completed)) {
    const bool spent = is_spent(*worker);
    if (spent) static_cast<void>(preempt::send_kill(worker->pidfd.get()));
    errands todo;
    {
      const lock guard(mutex_);
      zygote_deaths_ = 0;
      start_deaths_ = 0;
      counts_.recycled += spent;
      ++finished_;
      release(worker, *task, spent ? worker_state::lost : worker_state::idle, todo);
      take_launches(todo);
      todo.settle(task, std::move(*result));
    }
    return run(std::move(todo));
  }
  // What it committed is no result: its death settles the task.
  if (!result) static_cast<void>(preempt::send_kill(worker->pidfd.get()));
  bool exited = false;
  {
    const lock guard(mutex_);
    if (worker->state == worker_state::collecting) enter(worker, worker_state::running);  // else stopped meanwhile
    exited = worker->exited;
  }
  if (exited) task_died(worker, task, SIGKILL);
}

void pool_core::on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept {
  const auto self = task.shared_from_this();
  const bool withdrawn = task.state_.load(std::memory_order_acquire) == job::state::withdrawn;
  const auto now = std::chrono::steady_clock::now();
  errands todo;
  {
    const lock guard(mutex_);
    count_stop(task, withdrawn, now);
    if (withdrawn) {
      queue_.remove(task);
      todo.reclaimed.push_back(receipt);
    } else {
      const auto worker = task.worker_;
      release(worker, task, worker_state::lost, todo);
      if (worker->exited) {
        todo.reclaimed.push_back(receipt);
        counts_.reclaim_latency.record(duration::zero());
      } else {
        worker->receipt = receipt;
        worker->stopped_at = now;
      }
      take_launches(todo);
    }
    todo.settle(self, job_stopped{std::move(receipt)});
  }
  run(std::move(todo));
}

void pool_core::count_stop(const job& task, bool withdrawn, time_point now) {
  const auto* cancelled = task.cell->record();
  if (cancelled != nullptr)
    counts_.stops.count(cancelled->why);
  else  // by the pool itself, or by the worker's own timer before the cell's
    counts_.stops.count(life_ == life::closing ? cancel_reason(reason::shutdown{}) : cancel_reason(reason::deadline{}));
  if (withdrawn) return;
  ++counts_.killed;
  if (cancelled != nullptr) counts_.stop_latency.record(now - cancelled->at);
}

job_result pool_core::death_of(const worker_handle& worker, const job& task, int status) const {
  const int note = worker.control().crash_signal.load(std::memory_order_acquire);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const bool begun =
      worker.control().ready.load(std::memory_order_acquire) != 0 && worker.word() != worker.word_in(phase::idle);
  const auto now = std::chrono::steady_clock::now();
  const auto* cancelled = task.cell->record();
  if (note == 0 && signal == SIGKILL && (cancelled != nullptr || task.until.passed(now))) {
    // The worker's own timer was faster than the warden, or both came together: a stop like any other.
    stop_receipt receipt{.where = boundary::process, .method = stop_method::killed, .proof = stop_proof::pidfd};
    receipt.worker = worker.pid;
    receipt.requested = cancelled != nullptr ? cancelled->at : task.until.at();
    receipt.stopped = now;
    if (cancelled != nullptr)
      receipt.why = cancelled->why;
    else
      receipt.why = reason::deadline{task.until, now - task.until.at()};
    receipt.reclaimed = now;
    return job_stopped{std::make_shared<receipt_slot>(std::move(receipt))};
  }
  if (!begun)
    return job_not_started{"the worker for task \"" + task.name + "\" in pool \"" + options_.name +
                           "\" died before the task began"};
  if (signal != 0) return job_crashed{.signal = note != 0 ? note : signal};
  return job_crashed{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0};
}

void pool_core::settle(const std::shared_ptr<job>& task, job_result result) {
  warden_.retire(*task);  // from here on nobody asks it any more
  task->worker_.reset();
  task->pool_.reset();
  task->result = std::move(result);
  task->settled();
  const lock guard(mutex_);
  --unsettled_;
  changed_.notify_all();
}

void pool_core::run(errands todo) {
  for (const auto& worker : todo.kills) static_cast<void>(preempt::send_kill(worker->pidfd.get()));
  todo.kills.clear();
  for (const auto& l : todo.launches) start_on_worker(l);
  todo.launches.clear();
  for (auto& s : todo.settlements) {
    settle(s.task, std::move(s.result));
    s.task.reset();
  }
  if (todo.fork) warden_.post([self = shared_from_this()] { self->fork_workers(); });
  for (const auto& receipt : todo.reclaimed) receipt->set_reclaimed(std::chrono::steady_clock::now());
}

}  // namespace workit::workers
