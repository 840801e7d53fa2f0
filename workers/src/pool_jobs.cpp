// The way of a job through the pool: queued, launched, collected or stopped, settled.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <workit/base/assert.hpp>
#include <workit/preempt/proof.hpp>
#include <workit/workers/sandbox.hpp>

#include "kill_worker.hpp"
#include "limit_note.hpp"
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
  errands todo;
  {
    const lock guard(mutex_);
    std::string why;
    if (life_ == life::fresh) why = "pool \"" + options_.name + "\" was not started: call start() first";
    if (life_ == life::closing || life_ == life::closed) why = "pool \"" + options_.name + "\" was stopped";
    if (life_ == life::broken) why = trouble_;
    if (!trouble_.empty() && idle_.empty() && busy_ + starting_ == 0) why = trouble_;
    if (why.empty()) {
      if (task->state_.load(std::memory_order_acquire) == job::state::queued) {
        task->queued_at_ = queue_.insert(queue_.end(), task);
        task->in_queue_ = true;
        take_launches(todo);
      }
    } else if (task->decide(job::state::queued, job::state::refused)) {
      todo.settle(std::move(task), job_not_started{std::move(why)});
    }
  }
  run(std::move(todo));
}

void pool_core::errands::settle(std::shared_ptr<job> task, job_result result) {
  auto& s = settlements.emplace_back();
  s.task = std::move(task);
  s.result = std::move(result);
}

void pool_core::unqueue(job& task) {
  if (!task.in_queue_) return;
  task.in_queue_ = false;
  queue_.erase(task.queued_at_);
}

void pool_core::fail_queue(const std::string& sentence, errands& todo) {
  while (!queue_.empty()) {
    auto task = queue_.front();
    unqueue(*task);
    if (task->decide(job::state::queued, job::state::refused)) todo.settle(std::move(task), job_not_started{sentence});
  }
}

void pool_core::take_launches(errands& todo) {
  while (!queue_.empty() && !idle_.empty() && busy_ < options_.workers) {
    auto task = queue_.front();
    unqueue(*task);
    auto worker = idle_.back();
    task->worker_ = worker;
    task->generation_ = worker->generation;
    if (!task->decide(job::state::queued, job::state::running)) {
      task->worker_.reset();  // withdrawn; who did that settles it, after this lock
      continue;
    }
    idle_.pop_back();
    ++busy_;
    worker->state = worker_state::running;
    worker->task = task;
    todo.launches.push_back({std::move(task), std::move(worker)});
  }
}

void pool_core::start_on_worker(const launch& l) {
  auto& [task, worker] = l;
  task->launched_ = std::chrono::steady_clock::now();
  if (auto why = worker->write_request(task->call, {.until = task->terms.until,
                                                    .grace = task->terms.grace,
                                                    .loop = task->terms.loop,
                                                    .name = task->name,
                                                    .limits = stricter(limits_, task->limits)})) {
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
  errands todo;
  {
    const lock guard(mutex_);
    if (release(l.worker, *l.task, worker_state::idle, todo)) take_launches(todo);
  }
  run(std::move(todo));
}

bool pool_core::release(const handle& worker, const job& task, worker_state next, errands& todo) {
  const bool has_it = worker->state == worker_state::running || worker->state == worker_state::collecting;
  if (!has_it || worker->task.get() != &task) return false;
  --busy_;
  worker->task.reset();
  changed_.notify_all();
  if (worker->exited || next == worker_state::lost) {
    worker->state = worker_state::lost;
    todo.fork = true;
    if (worker->exited) workers_.erase(worker->number);
  } else {
    worker->rewind();
    worker->state = worker_state::idle;
    idle_.push_back(worker);
  }
  return true;
}

void pool_core::collect(std::size_t loop) {
  std::vector<launch> telling, done, crashing;
  {
    const lock guard(mutex_);
    if (busy_ == 0) return;
    for (auto& [number, worker] : workers_) {
      if (worker->state != worker_state::running || worker->task->terms.loop != loop) continue;
      if (const auto said = worker->control().said.load(std::memory_order_acquire); said != worker->heard) {
        worker->heard = said;
        telling.push_back({worker->task, worker});
      }
      if (worker->word() == worker->word_in(phase::committed)) {
        worker->state = worker_state::collecting;
        done.push_back({worker->task, worker});
      } else if (worker->control().crash.signal.load(std::memory_order_acquire) != 0) {
        crashing.push_back({worker->task, worker});
      }
    }
  }
  for (const auto& l : telling) {
    const bool ended = l.worker->word() == l.worker->word_in(phase::committed);
    hear(l, ended ? packets_left::never : packets_left::for_later);
  }
  for (const auto& l : done) take_result(l);
  if (!crashing.empty()) end_crashing(crashing);
}

/// Of a task that runs, so many packets at once: it has the rest heard after the loop has had its turn. Of one that has
/// ended, all that the line can hold.
void pool_core::hear(const launch& l, packets_left then) {
  constexpr int most_at_once = 64, most_in_line = 10'000;
  for (int n = 0; n < (then == packets_left::for_later ? most_at_once : most_in_line); ++n) {
    auto next = receive(l.worker->line());
    if (!next) return;
    if (!next->descriptors.empty())
      take_blocks_of(l, std::move(*next));
    else
      l.task->heard(next->content, l.worker);
  }
  {
    const lock guard(mutex_);
    --l.worker->heard;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto rung = ::write(loops_[l.task->terms.loop], &one, sizeof one);
}

/// What could still change is left out, and the result that needs it is none then.
void pool_core::take_blocks_of(const launch& l, packet came) {
  const auto said = decode(came.content);
  const auto* which = said ? std::get_if<told_blocks>(&*said) : nullptr;
  if (which == nullptr || which->generation != l.worker->generation) return;
  attachments blocks;
  try {
    take_blocks(std::move(came.descriptors), blocks);
  } catch (const std::exception&) {
    return;
  }
  const lock guard(mutex_);
  l.task->blocks_ = std::move(blocks);
}

/// A worker that has noted its crash may take long to die. It is helped along, and with a proof there is no need to
/// wait for its exit.
void pool_core::end_crashing(const std::vector<launch>& crashing) {
  std::vector<launch> killed;
  for (const auto& l : crashing)
    if (kill_worker(*l.worker)) killed.push_back(l);
  if (warden_.proof() != stop_proof::barrier || !preempt::barrier()) return;
  for (const auto& l : killed) task_died(l.worker, l.task, {.status = l.worker->control().crash.signal.load() & 0x7f});
}

attachments pool_core::blocks_for(job& task) {
  const lock guard(mutex_);
  return std::exchange(task.blocks_, {});
}

void pool_core::take_result(const launch& l) {
  const auto& [task, worker] = l;
  std::optional<job_result> result;
  try {
    result = worker->read_result(blocks_for(*task));
  } catch (const std::bad_alloc&) {
    result = job_exception{"std::bad_alloc", "the host has no memory for the result"};
  }
  if (result && task->decide(job::state::running, job::state::completed)) {
    worker->read_usage(task->used);
    if (std::holds_alternative<job_gave_up>(*result)) result = gave_up(*task, worker->pid);
    const bool spent = worker->control().result.left_behind.load(std::memory_order_relaxed) != 0 ||
                       std::holds_alternative<job_exceeded>(*result);
    if (spent) kill_worker(*worker);
    errands todo;
    {
      const lock guard(mutex_);
      zygote_deaths_ = 0;
      start_deaths_ = 0;
      release(worker, *task, spent ? worker_state::lost : worker_state::idle, todo);
      take_launches(todo);
      todo.settle(task, std::move(*result));
    }
    return run(std::move(todo));
  }
  // What it committed is no result: its death settles the task.
  if (!result) kill_worker(*worker);
  bool exited = false;
  worker_end end;
  {
    const lock guard(mutex_);
    if (worker->state == worker_state::collecting) worker->state = worker_state::running;  // else stopped meanwhile
    exited = worker->exited;
    end = worker->end;
  }
  if (exited) task_died(worker, task, end);
}

void pool_core::on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept {
  const auto self = task.shared_from_this();
  const bool withdrawn = task.state_.load(std::memory_order_acquire) == job::state::withdrawn;
  errands todo;
  {
    const lock guard(mutex_);
    if (withdrawn) {
      unqueue(task);
      todo.reclaimed.push_back(receipt);
    } else {
      const auto worker = task.worker_;
      ++counts_.killed;
      release(worker, task, worker_state::lost, todo);
      if (worker->exited)
        todo.reclaimed.push_back(receipt);
      else
        worker->receipt = receipt;
      take_launches(todo);
    }
    todo.settle(self, job_stopped{std::move(receipt)});
  }
  run(std::move(todo));
}

/// It stopped by itself because it was asked to, or because the deadline that it shares with its host has passed.
job_result pool_core::gave_up(const job& task, pid_t worker) {
  const auto now = std::chrono::steady_clock::now();
  const auto* cancelled = task.cell->record();
  if (cancelled == nullptr && !task.terms.until.passed(now))
    return job_exception{"workit::scope_cancelled", "the task cancelled its own scope"};
  stop_receipt receipt{.where = boundary::process, .method = stop_method::cooperative, .proof = stop_proof::returned};
  receipt.worker = worker;
  receipt.requested = cancelled != nullptr ? cancelled->at : task.terms.until.at();
  receipt.why = cancelled != nullptr ? cancelled->why : reason::deadline{task.terms.until, now - task.terms.until.at()};
  receipt.stopped = now;
  receipt.reclaimed = now;
  return job_stopped{std::make_shared<receipt_slot>(std::move(receipt))};
}

namespace {

/// getrusage(2) gives user and system time in whole microseconds each.
constexpr std::uint64_t rounded_off_us = 2;

/// The limit that a dead worker's task died of. What holds is not read off the worker: its request may still be in the
/// making.
std::optional<resource> limit_reached(const limit_values& limits, const worker_handle& worker, const worker_end& end) {
  const auto& control = worker.control();
  const int note = control.crash.noted.load(std::memory_order_acquire);
  if (note != 0) {
    const auto what = noted(control.exceeded.load(std::memory_order_relaxed));
    // A std::bad_alloc that met a noexcept function or the start of a thread.
    if (note == SIGABRT && what == resource::memory && limits.memory != limit_values::none) return what;
    if (note == SIGSEGV && what == resource::stack && limits.stack != limit_values::none) return what;
    return std::nullopt;
  }
  if (!WIFSIGNALED(end.status) || WTERMSIG(end.status) != SIGKILL || limits.cpu_ns == limit_values::none)
    return std::nullopt;
  const auto due = control.cpu_end_ns.load(std::memory_order_relaxed);
  const auto used_ns = (end.cpu_us + rounded_off_us) * 1000;
  return due != 0 && used_ns >= due ? std::optional(resource::cpu) : std::nullopt;
}

}  // namespace

job_result pool_core::death_of(const worker_handle& worker, const job& task, const worker_end& end) const {
  const int status = end.status;
  const auto& crash = worker.control().crash;
  const int note = crash.noted.load(std::memory_order_acquire);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const bool begun =
      worker.control().ready.load(std::memory_order_acquire) != 0 && worker.word() != worker.word_in(phase::idle);
  const auto now = std::chrono::steady_clock::now();
  const auto* cancelled = task.cell->record();
  if (end.violation && cancelled == nullptr) return job_violated{*end.violation, system_call_name(*end.violation)};
  const auto limits = stricter(limits_, task.limits);
  if (const auto what = limit_reached(limits, worker, end); what && cancelled == nullptr)
    return job_exceeded{*what, limit_of(limits, *what)};
  if (note == 0 && signal == SIGKILL && (cancelled != nullptr || task.terms.until.passed(now))) {
    // The worker's own timer was faster than the warden, or both came together: a stop like any other.
    stop_receipt receipt{.where = boundary::process, .method = stop_method::killed, .proof = stop_proof::pidfd};
    receipt.worker = worker.pid;
    receipt.requested = cancelled != nullptr ? cancelled->at : task.terms.until.at();
    receipt.stopped = now;
    if (cancelled != nullptr)
      receipt.why = cancelled->why;
    else
      receipt.why = reason::deadline{task.terms.until, now - task.terms.until.at()};
    receipt.reclaimed = now;
    return job_stopped{std::make_shared<receipt_slot>(std::move(receipt))};
  }
  if (!begun)
    return job_not_started{"the worker for task \"" + task.name + "\" in pool \"" + options_.name +
                           "\" died before the task began"};
  if (signal == 0) return job_crashed{{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0}};
  job_crashed crashed{{.signal = note != 0 ? note : signal, .core_dumped = WCOREDUMP(status)}};
  if (note == 0 && signal == SIGKILL && !worker.killed_by_us()) crashed.killed_externally = end.oom_guess;
  if (note == 0) return crashed;
  crashed.backtrace = worker.read_backtrace();
  if (note == SIGSEGV || note == SIGBUS || note == SIGILL || note == SIGFPE)
    crashed.fault_address = crash.address.load(std::memory_order_relaxed);
  return crashed;
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

void pool_core::run(errands todo) {
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
