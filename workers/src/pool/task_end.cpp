// task_end: see the header.
#include "task_end.hpp"

#include <sys/wait.h>

#include <csignal>
#include <memory>
#include <workit/workers/sandbox.hpp>

#include "limit_note.hpp"

namespace workit::workers {
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

job_result end_by_giving_up(const job& task, pid_t worker) {
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
  const int note = worker.noted_crash();
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

job_result end_by_death(const worker_handle& worker, const job& task, const worker_end& end, const limit_values& limits,
                        const std::string& pool, bool published) {
  const int status = end.status;
  const auto& crash = worker.control().crash;
  const int note = worker.noted_crash();
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const bool begun = published && worker.is_ready();
  const bool cancelled = task.cell->record() != nullptr;
  if (end.violation && !cancelled) return job_violated{*end.violation, system_call_name(*end.violation)};
  if (const auto what = limit_reached(limits, worker, end); what && !cancelled)
    return job_exceeded{*what, limit_of(limits, *what)};
  // The worker's own timer was faster than the warden, or both came together: a stop like any other.
  if (note == 0 && signal == SIGKILL && is_to_stop(task))
    return stopped_early(task, worker.pid, stop_method::killed, stop_proof::pidfd);
  if (!begun)
    return job_not_started{
        "the worker for task \"" + task.name + "\" in pool \"" + pool + "\" died before the task began",
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

}  // namespace workit::workers
