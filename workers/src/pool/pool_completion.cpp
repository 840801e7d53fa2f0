// Tasks that end otherwise than by a result: stopped, asked to stop, or with their worker.
#include <sys/wait.h>

#include <csignal>
#include <workit/workers/sandbox.hpp>

#include "limit_note.hpp"
#include "pool_core.hpp"

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
    const lock guard(mutex_);
    count_stop(task, withdrawn ? stop_method::withdrawn : stop_method::killed, now);
    if (withdrawn) {
      queue_.remove(task);
      todo.reclaimed.push_back(receipt);
    } else {
      const auto worker = task.worker_;
      release(worker, task, worker_state::lost, todo);
      if (worker->reclaimed) {
        todo.reclaimed.push_back(receipt);
        counts_.reclaim_latency.record(duration::zero());
      } else {
        worker->receipt = receipt;
        worker->stopped_at = now;
      }
      take_launches(todo);
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

namespace {

/// The stop of a task that ended before the warden came: for its cancellation, or for the deadline that it keeps too.
job_result stopped_early(const job& task, pid_t worker, stop_method how, stop_proof proof) {
  const auto now = std::chrono::steady_clock::now();
  auto receipt = stop_receipt::for_request(task.cell->record_or(task.terms.until, now), boundary::process, how);
  receipt.worker = worker;
  receipt.set_proof(proof, now);
  receipt.reclaimed = now;
  return job_stopped{std::make_shared<receipt_slot>(std::move(receipt))};
}

/// Whether there is a reason to stop it, decided or due.
bool is_to_stop(const job& task) {
  return task.cell->record() != nullptr || task.terms.until.passed(std::chrono::steady_clock::now());
}

}  // namespace

/// It stopped by itself because it was asked to, or because the deadline that it shares with its host has passed.
job_result pool_core::gave_up(const job& task, pid_t worker) {
  if (!is_to_stop(task)) return job_exception{"workit::scope_cancelled", "the task cancelled its own scope"};
  return stopped_early(task, worker, stop_method::cooperative, stop_proof::returned);
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
  const bool cancelled = task.cell->record() != nullptr;
  if (end.violation && !cancelled) return job_violated{*end.violation, system_call_name(*end.violation)};
  const auto limits = stricter(limits_, task.limits);
  if (const auto what = limit_reached(limits, worker, end); what && !cancelled)
    return job_exceeded{*what, limit_of(limits, *what)};
  // The worker's own timer was faster than the warden, or both came together: a stop like any other.
  if (note == 0 && signal == SIGKILL && is_to_stop(task))
    return stopped_early(task, worker.pid, stop_method::killed, stop_proof::pidfd);
  if (!begun)
    return job_not_started{
        "the worker for task \"" + task.name + "\" in pool \"" + options_.name + "\" died before the task began",
        refusal::lost_worker};
  if (note == 0 && end.zygote) return job_lost{*end.zygote};
  if (signal == 0) return job_crashed{{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0}};
  job_crashed crashed{{.signal = note != 0 ? note : signal, .core_dumped = WCOREDUMP(status) != 0}};
  if (note == 0 && signal == SIGKILL && !worker.killed_by_us()) crashed.killed_externally = end.oom_guess;
  if (note == 0) return crashed;
  crashed.backtrace = worker.read_backtrace();
  if (note == SIGSEGV || note == SIGBUS || note == SIGILL || note == SIGFPE)
    crashed.fault_address = crash.address.load(std::memory_order_relaxed);
  return crashed;
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
  const bool crashed = !completed && task->decide(job::state::running, job::state::crashed);
  if (!completed && !crashed) return;  // a stop was first: on_stopped() or the launcher lets go of the worker
  if (crashed) result = death_of(*worker, *task, end);
  worker->take_output(task->used);
  if (std::holds_alternative<job_gave_up>(*result)) result = gave_up(*task, worker->pid);
  deferred_actions todo;
  {
    const lock guard(mutex_);
    counts_.crashed += std::holds_alternative<job_crashed>(*result) || std::holds_alternative<job_lost>(*result);
    if (std::holds_alternative<job_stopped>(*result))
      count_stop(*task, crashed ? stop_method::killed : stop_method::cooperative, std::chrono::steady_clock::now());
    finished_ += !std::holds_alternative<job_stopped>(*result);
    release(worker, *task, worker_state::lost, todo);
    take_launches(todo);
    prewake_next(std::chrono::steady_clock::now(), todo);
    todo.settle(task, std::move(*result));
  }
  run(std::move(todo));
}

}  // namespace workit::workers
