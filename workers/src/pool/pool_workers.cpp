// The workers of a pool: forked when some are missing, buried when they have died.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"
#include "worker_memory.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

/// Requests under way at once: their packets fit the socket, whatever the size of the pool.
constexpr std::size_t most_forks_at_once = 32;

/// Of a status as wait(2) gives it.
std::string words_of(int status) {
  return WIFSIGNALED(status) ? "died of signal " + std::to_string(WTERMSIG(status))
                             : "exited with code " + std::to_string(WEXITSTATUS(status));
}

/// Longer than a small victim takes to die, and than its caller's next task.
constexpr duration replenish_after = 2ms;

}  // namespace

void pool_core::lose(const handle& worker) {
  workers_.lose(worker);
  zygotes_.forget_if_over(*worker->from);
  changed_.notify_all();
}

pool_core::group pool_core::short_of_workers() const {
  if (life_ == life::closing || life_ == life::closed) return nullptr;
  if (workers_.dying() >= pool_size::most_dying(wanted())) return nullptr;
  for (const auto* g : {&zygotes_.serving(), &zygotes_.next()}) {
    if (*g == nullptr || !(*g)->ready || (*g)->dismissed) continue;
    if (zygotes_.is_serving(**g) && back_off_.is_set()) continue;
    if ((*g)->alive() < wanted_from(**g) && (*g)->starting < most_forks_at_once) return *g;
  }
  return nullptr;
}

void pool_core::replenish(deferred_actions& todo) {
  if (todo.has_fork() || short_of_workers() == nullptr) return;
  if (!dispatch_.queue().empty())
    todo.fork_workers();
  else
    replenish_.set_after(replenish_after);
}

void pool_core::on_replenish_timer() {
  {
    const thread_lock guard(mutex_);
    if (!replenish_.take_fired()) return;
    replenish_.expired();
  }
  fork_workers();
}

pool_core::handle pool_core::reserve_worker() {
  const thread_lock guard(mutex_);
  const auto from = short_of_workers();
  if (!from) {
    forget_old_losses();
    return nullptr;
  }
  try {
    auto worker = worker_handle::make(workers_.next_number(), from, options_.output);
    if (worker->output() != nullptr) outputs_.add(worker->number, *worker->output());
    workers_.reserve(*worker);
    return worker;
  } catch (const std::exception& e) {
    if (zygotes_.is_next(*from)) {
      give_up(*from, e.what());
    } else {
      start_failures_.failed();
      trouble_ = e.what();
    }
    return nullptr;
  }
}

void pool_core::fork_workers() {
  while (const auto worker = reserve_worker()) {
    const thread_lock guard(mutex_);
    const auto ends = worker->descriptors_for_zygote();
    const message request{.kind = message_kind::fork, .worker = worker->number};
    const auto& link = worker->from->link;
    if (!link || link->send(request, ends) != transfer::done) {
      workers_.forgo(*worker);  // the zygote's next message, or its end, calls this function again
      return;
    }
    worker->close_far_ends();
    workers_.add(worker);
  }
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    // Wanted, and not to be had: for want of memory or descriptors, which may come back.
    const auto& serving = zygotes_.serving();
    if (!trouble_.empty() && serving != nullptr && short_of_workers() == serving) back_off(todo);
    if (is_stranded()) dispatch_.answer_all({trouble_}, todo);
  }
  run(std::move(todo));
}

void pool_core::on_forked(zygote_group& from, const message& m, unique_fd pidfd) {
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    const auto worker = workers_.find(m.worker);
    const bool is_awaited = worker && worker->state == worker_state::starting && worker->from.get() == &from;
    // Not awaited: its zygote was given up, and goes on after all. Without a pidfd, which this process had no room to
    // receive, it could not be stopped.
    if (m.error == 0 && from.link && (!is_awaited || !pidfd))
      static_cast<void>(from.link->send({.kind = message_kind::kill, .worker = m.worker}));
    if (!is_awaited) return;
    if (m.error != 0 || !pidfd) {
      fork_failed(from, worker, m, todo);
    } else {
      worker->pid = m.pid;
      worker->pidfd = std::move(pidfd);
      ++counts_.started;
      if (zygotes_.is_retired(from)) {
        lose(worker);
        todo.kill(worker);
      } else if (options_.worker_init != nullptr && !worker->is_ready()) {
        workers_.enter(worker, worker_state::preparing);  // it writes the ready event, or dies
        worker->ready_by = deadline_point::in(options_.worker_init_timeout, std::chrono::steady_clock::now());
        if (!worker->ready_by.is_never()) overdue_.set_at_latest(worker->ready_by.at());
      } else {
        on_ready(worker, todo);
      }
    }
  }
  run(std::move(todo));
}

void pool_core::fork_failed(zygote_group& from, const handle& worker, const message& m, deferred_actions& todo) {
  workers_.drop(worker);
  changed_.notify_all();
  auto sentence = std::string(m.text.view());
  if (sentence.empty())
    sentence = "pool \"" + options_.name + "\" cannot fork a worker: " + std::strerror(m.error != 0 ? m.error : EMFILE);
  if (zygotes_.is_next(from)) give_up(from, sentence);
  if (!zygotes_.is_serving(from)) return;
  trouble_ = std::move(sentence);
  start_failures_.failed();
  back_off(todo);
}

void pool_core::on_ready(const handle& worker, deferred_actions& todo) {
  if (options_.max_growth != 0) worker->first_memory = anonymous_memory_of(worker->pid);
  workers_.enter(worker, worker_state::idle);
  changed_.notify_all();
  if (zygotes_.is_serving(*worker->from)) {
    trouble_.clear();
    outage_.over();
    if (const auto lasted = losses_.restored(worker->idle_since)) counts_.capacity_restore.record(*lasted);
    arm_shrink_timer();
    launch_waiting(todo);
  }
  switch_over(todo);
}

void pool_core::on_ready_event() {
  if (!ready_.drain()) return;
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    for (const auto& [number, worker] : workers_)
      if (worker->state == worker_state::preparing && worker->is_ready()) on_ready(worker, todo);
  }
  run(std::move(todo));
}

void pool_core::on_exited(std::uint32_t number, const worker_end& end) {
  handle worker;
  std::shared_ptr<job> task;
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    worker = workers_.find(number);
    if (!worker || worker->exited) return;
    worker->exited = true;
    worker->end = end;
    worker->end.violation = worker->violation;
    changed_.notify_all();
    bool brake = false;
    if (worker->is_ready())
      start_failures_.worked();
    else if (worker->state != worker_state::lost)
      brake = died_at_start(*worker, end.status);
    if (worker->state == worker_state::running) {
      task = worker->task;
    } else if (worker->state != worker_state::collecting && worker->state != worker_state::lost) {
      // One that is collecting is left to its collector.
      if (worker->state == worker_state::idle && zygotes_.is_serving(*worker->from))
        losses_.lost(std::chrono::steady_clock::now());
      lose(worker);
    }
    todo.fork_workers();
    if (brake) back_off(todo);
  }
  if (task) task_died(worker, task, worker->end);
  run(std::move(todo));
}

void pool_core::on_reclaimed(std::uint32_t number) {
  handle worker;
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    worker = workers_.find(number);
    if (!worker) return;
    todo.fork_workers();  // too many dying workers may have kept new ones from being forked
    if (worker->receipt) {
      counts_.reclaim_latency.record(std::chrono::steady_clock::now() - worker->stopped_at);
      todo.complete(std::move(worker->receipt));
    }
    workers_.reclaimed(worker);
    changed_.notify_all();
  }
  worker.reset();  // its descriptors and memory are given back before its receipt says so
  run(std::move(todo));
}

std::string pool_core::why_unready(const worker_handle& worker) const {
  switch (worker.control().ready.load(std::memory_order_acquire)) {
    case init_failed: {
      auto words = worker.read_result({});
      if (auto* n = words ? std::get_if<job_not_started>(&*words) : nullptr)
        return "worker_init of pool \"" + options_.name + "\" threw " + n->why;
      return {};
    }
    case confine_failed:
      return "pool \"" + options_.name + "\": " +
             (options_.sandbox == sandbox::compute_only ? "sandbox::compute_only cannot be had"
                                                        : "limits.processes = 0 cannot be kept") +
             " by a worker: seccomp: " + std::strerror(worker.control().confine_error.load(std::memory_order_relaxed));
    default:
      return {};
  }
}

bool pool_core::died_at_start(const worker_handle& worker, int status) {
  std::string sentence = why_unready(worker);
  const bool has_words = !sentence.empty();
  if (!has_words)
    sentence = "the workers of pool \"" + options_.name + "\" die as they start (the last one " + words_of(status) +
               "): is there memory, and may they run?";
  if (zygotes_.is_next(*worker.from)) give_up(*worker.from, sentence);
  if (!zygotes_.is_serving(*worker.from)) return false;
  start_failures_.failed();
  if (has_words || start_failures_.are_many()) trouble_ = std::move(sentence);
  return true;
}

void pool_core::on_output() {
  const preempt::normal_priority_scope copying;
  for (const auto number : outputs_.written()) {
    handle worker;
    {
      const thread_lock guard(mutex_);
      worker = workers_.find(number);
    }
    if (worker) outputs_.drain(*worker->output());  // else it is being made, or just gone
  }
}

void pool_core::on_violated(std::uint32_t number, int call) {
  const thread_lock guard(mutex_);
  if (const auto worker = workers_.find(number)) worker->violation = call;
}

void pool_core::back_off(deferred_actions& todo) {
  if (is_stranded()) dispatch_.answer_all({trouble_}, todo);
  back_off_.set_after(start_failures_.pause());
}

void pool_core::on_back_off_over() {
  {
    const thread_lock guard(mutex_);
    if (!back_off_.take_fired()) return;
    back_off_.expired();
  }
  fork_workers();
}

bool pool_core::kill(worker_handle& worker) noexcept {
  worker.note_kill();
  const auto answer = preempt::send_kill(worker.pidfd.get());
  if (answer == preempt::kill_answer::denied) ask_zygote_to_kill(worker);
  return answer == preempt::kill_answer::sent;
}

void pool_core::ask_zygote_to_kill(const worker_handle& worker) noexcept {
  const thread_lock guard(mutex_);
  if (worker.from->link)
    static_cast<void>(worker.from->link->send({.kind = message_kind::kill, .worker = worker.number}));
}

}  // namespace workit::workers
