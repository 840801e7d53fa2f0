// thread_pool_run: one task on its thread, its end, and the refusal of its stop.
#include "thread_pool_core.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <utility>
#include <workit/base/detail/guarded_stacks.hpp>
#include <workit/base/errors.hpp>

#include "local_call.hpp"
#include "lower_priority.hpp"
#include "task_frame.hpp"

namespace workit::workers {
namespace {

/// For how long a thread may have no CPU before its stop is refused for that.
constexpr std::chrono::seconds last_look{1};
/// How often it has to have looked before its obstacle is believed: on a busy machine the time may be
/// over before it was given a processor twice, and any look may find what is gone a microsecond later.
constexpr unsigned least_looks = 3;
/// The processor time of a thread that blocks kicks after which that is believed.
constexpr std::chrono::milliseconds least_blocked{1};

duration thread_cpu_time() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// Names the task that overflows the stack which its thread has for tasks.
class task_stacks final : public workit::detail::guarded_stacks {
 public:
  task_stacks(const preempt::stoppable_thread& thread, const thread_job& task, std::size_t bytes) noexcept
      : thread_(thread), task_(task), bytes_(bytes) {}
  [[nodiscard]] bool tell_overflow(std::uintptr_t address, workit::detail::signal_text& text) const noexcept override {
    if (!thread_.guards(address)) return false;
    text << "workit: task \"" << task_.name << "\" at boundary::thread has overflowed its stack of " << bytes_ / 1024
         << " KiB. Give it more (thread_options::stack_size), or move it to boundary::process, where an overflow ends "
            "the worker alone.\n";
    return true;
  }

 private:
  const preempt::stoppable_thread& thread_;
  const thread_job& task_;
  const std::size_t bytes_;
};

}  // namespace

struct thread_pool_core::landed {
  local_call call;
  preempt::run_end end{};
};

thread_pool_core::fitness thread_pool_core::run(preempt::stoppable_thread& here,
                                                const std::shared_ptr<thread_job>& task) {
  task->thread_.emplace(here);
  task->number_ = preempt::next_task_number();
  task->launched_.store(std::chrono::steady_clock::now(), std::memory_order_relaxed);
  if (!task->decide(job_state::queued, job_state::running)) {  // withdrawn
    release(*task, fitness::fit);
    return fitness::fit;
  }
  // The warden has the same deadline; the thread's own timer does not wait for the warden to be scheduled.
  const auto until =
      task->terms.until.is_never() || task->terms.grace > duration::zero() ? deadline_point{} : task->terms.until;
  landed result{local_call(task->call)};
  task_frame frame(task->asked_, 1, task->terms.until);
  const auto cpu = thread_cpu_time();
  {
    const task_stacks stacks(here, *task, options_.stack_size);
    const workit::detail::knows_its_stacks while_it_runs(stacks);
    result.end = here.run(task->number_, until, &local_call::run, &result.call);
  }
  if (const auto unqueued = here.take_unqueued(); unqueued != 0) {
    const thread_lock guard(mutex_);
    counts_.unqueued_kicks += unqueued;
  }
  if (task->state_.load(std::memory_order_acquire) == job_state::refused) un_nice(*task);
  result.end.how.arena_bytes = frame.finish();
  auto then = result.end.left && result.end.spoilt ? fitness::spoilt : fitness::fit;
  const bool is_ours = task->decide(job_state::running, job_state::ended);
  if (!is_ours && then == fitness::fit) then = fitness::retired;  // its stop was refused: another thread has its place
  if (is_ours) {
    if (task->asked_.load(std::memory_order_acquire) != 0) ladder_->end(*task);
    task->used.cpu = thread_cpu_time() - cpu;
    conclude(*task, result);
  }
  release(*task, then);  // after its caller is woken, maybe on this processor: a next task may occupy it for long
  return then;
}

/// Other threads may wait for a lock that it takes next. Where the host may not raise a priority, it stays niced.
void thread_pool_core::un_nice(const thread_job& task) noexcept {
  while (!task.niced_.load(std::memory_order_acquire)) ::sched_yield();
  ::setpriority(PRIO_PROCESS, 0, task.nice_before_);
}

void thread_pool_core::conclude(thread_job& task, landed& result) {
  auto& [call, end] = result;
  const bool to_stop = task.cell->record() != nullptr || task.terms.until.passed(std::chrono::steady_clock::now());
  if (!call.committed() || (call.gave_up() && to_stop)) {
    const bool left = !call.committed();
    auto receipt = receipt_of(task, left ? stop_method::abandoned : stop_method::cooperative,
                              left ? stop_proof::landed : stop_proof::returned,
                              left ? end.stopped : std::chrono::steady_clock::now());
    receipt.thread = end.how;
    receipt.reclaimed = std::chrono::steady_clock::now();
    return settle(task, job_stopped{std::make_shared<receipt_slot>(std::move(receipt))});
  }
  if (call.gave_up())
    return settle(task, std::make_exception_ptr(start_failed("task \"" + task.name + "\" cancelled itself")));
  if (call.error() != nullptr) return settle(task, call.error());
  settle(task, call.take_value());
}

stop_receipt thread_pool_core::receipt_of(const thread_job& task, stop_method method, stop_proof proof,
                                          time_point at) const {
  auto receipt = stop_receipt::for_request(task.cell->record_or(task.terms.until, at), boundary::thread, method);
  receipt.set_proof(proof, at);
  return receipt;
}

void thread_pool_core::settle(thread_job& task, thread_result result) {
  warden_.retire(task);
  const auto now = std::chrono::steady_clock::now();
  const auto launched = task.launched_.load(std::memory_order_relaxed);
  const bool ran = launched != time_point{};
  task.used.queued = (ran ? launched : now) - task.submitted_;
  task.used.ran = ran ? now - launched : duration::zero();
  running_on stuck;
  {
    const thread_lock guard(mutex_);
    const auto* stop = std::get_if<job_stopped>(&result);
    const auto method = stop != nullptr ? stop->receipt->get().method : stop_method::cooperative;
    counts_.abandoned += method == stop_method::abandoned;
    counts_.refusals += method == stop_method::refused;
    counts_.completed += method == stop_method::cooperative;
    stuck = refused_now();
  }
  task.result = std::move(result);
  task.settled();
  make_way(stuck);
}

thread_pool_core::running_on thread_pool_core::refused_now() const {
  running_on now;
  for (const auto& r : refused_) now.emplace_back(r.thread, r.number);
  return now;
}

/// A refused task that computes keeps a thread that was woken on its processor waiting until the kernel's next tick: up
/// to 4 ms where the kernel preempts lazily (Linux 6.13, CONFIG_PREEMPT_LAZY). A signal makes it enter the scheduler at
/// once.
void thread_pool_core::make_way(const running_on& refused) noexcept {
  for (const auto& [thread, number] : refused) thread.kick(number);
}

void thread_pool_core::release(const thread_job& task, fitness then) {
  {
    const thread_lock guard(mutex_);
    const auto record = std::ranges::find(refused_, &task, &refusal_record::job);
    if (record != refused_.end())
      refused_.erase(record);
    else
      --busy_;
    counts_.retired += then != fitness::fit;
    leaving_ += then != fitness::fit;
    if (then == fitness::fit || queued() == 0) return;  // a fit thread looks into the queue itself
  }
  work_.notify_one();
}

void thread_pool_core::begin_stop(const std::shared_ptr<thread_job>& task) {
  ladder_->begin(task, options_.stop_timeout);
}

void thread_pool_core::withdrawn(thread_job& task, std::shared_ptr<receipt_slot> opened) {
  auto receipt = opened->get();
  receipt.reclaimed = receipt.stopped;
  {
    const thread_lock guard(mutex_);
    for (auto& waiting : queue_) std::erase_if(waiting, [&](const auto& queued) { return queued.get() == &task; });
  }
  settle(task, job_stopped{std::make_shared<receipt_slot>(std::move(receipt))});
}

/// Whether it has used processor time with kicks blocked and received none meanwhile. Looking blocks kicks too, but for
/// microseconds of processor time.
bool thread_pool_core::keeps_kicks_away(thread_job& task) {
  const auto& thread = *task.thread_;
  auto& since = task.blocked_since_;
  if (!thread.blocks_kicks()) {
    since.reset();
    return false;
  }
  const thread_job::blocked_at now{thread.signals(), thread.cpu_time()};
  if (!since || since->signals != now.signals) since = now;
  return now.used - since->used >= least_blocked;
}

/// Why a thread has not stopped; nothing when it has had no chance to.
std::optional<stop_refusal> thread_pool_core::reason_of(thread_job& task, bool late) {
  const auto& thread = *task.thread_;
  const bool pending = thread.kick_is_pending();
  if (!pending && thread.signals() >= least_looks) return thread.why_not();
  if (pending && keeps_kicks_away(task)) return stop_refusal{obstacle::signal_blocked};
  if (!late) return std::nullopt;  // it waits for a CPU
  return stop_refusal{obstacle::blocked_in, "the kernel, or has no CPU"};
}

/// The caller goes on, and so does the task; its place is another thread's. False when that cannot be yet.
bool thread_pool_core::refuse(thread_job& task) {
  const auto& thread = *task.thread_;
  const auto now = std::chrono::steady_clock::now();
  const auto* cancelled = task.cell->record();
  const auto why = reason_of(task, cancelled != nullptr && now - cancelled->at > last_look);
  if (!why || why->kind == obstacle::none) return false;
  auto receipt = receipt_of(task, stop_method::refused, stop_proof::none, now);
  receipt.thread = thread_stop{.signals = thread.signals(), .refused = *why};
  receipt.reclaimed = now;
  {
    const thread_lock guard(mutex_);
    if (refused_.size() >= options_.refused_limit) return false;  // too many: its caller waits on
    if (!task.decide(job_state::running, job_state::refused)) return true;
    refused_.push_back({&task, thread, task.number_, {task.name, thread.id(), *why}, now});
    --busy_;
  }
  task.nice_before_ = ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread.id()));
  lower_priority(thread.id());  // before the next one's thread is woken, which may be on its processor
  task.niced_.store(true, std::memory_order_release);
  work_.notify_one();
  settle(task, job_stopped{std::make_shared<receipt_slot>(std::move(receipt))});
  replace_thread();
  return true;
}

}  // namespace workit::workers
