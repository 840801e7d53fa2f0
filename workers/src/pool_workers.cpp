// The workers of a pool: forked when some are missing, buried when they have died.
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <workit/base/errors.hpp>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// Requests under way at once: their packets fit the socket, whatever the size of the pool.
constexpr std::size_t most_forks_at_once = 32;
/// Deaths at start in a row, with no worker left alive, after which queued jobs are told.
constexpr unsigned most_start_deaths = 5;

/// 10 ms, doubled with each death, at most a second.
itimerspec back_off_after(unsigned deaths) {
  const long ms = std::min(1000L, 10L << std::min(deaths, 7U));
  return {{}, {ms / 1000, ms % 1000 * 1'000'000}};
}

}  // namespace

bool pool_core::wants_worker() const {
  const auto wanted = options_.workers + options_.spares;
  const auto alive = starting_ + idle_.size() + busy_;
  const auto dead = workers_.size() - std::min(workers_.size(), alive);
  return (life_ == life::starting || life_ == life::open) && zygote_ready_ && !backing_off_ && alive < wanted &&
         starting_ < most_forks_at_once && dead < most_dead(wanted);
}

pool_core::handle pool_core::reserve_worker() {
  const lock guard(mutex_);
  if (!wants_worker()) return nullptr;
  ++starting_;
  const auto number = ++last_number_;
  try {
    return worker_handle::make(number);
  } catch (const std::exception& e) {
    --starting_;
    trouble_ = e.what();
    return nullptr;
  }
}

void pool_core::fork_workers() {
  while (const auto worker = reserve_worker()) {
    const lock guard(mutex_);
    const std::array ends{worker->block(), worker->far_end()};
    const message wish{.kind = message_kind::fork, .worker = worker->number};
    if (!zygote_ready_ || zygote_->send(wish, ends) != transfer::done) {
      --starting_;  // the zygote's next word, or its end, brings us here again
      return;
    }
    worker->close_far_end();
    workers_.emplace(worker->number, worker);
  }
  errands todo;
  {
    const lock guard(mutex_);
    // Wanted, and not to be had: for want of memory or descriptors, which may come back.
    if (!trouble_.empty() && wants_worker()) back_off(todo);
    if (starting_ == 0 && idle_.empty() && busy_ == 0 && !trouble_.empty()) fail_queue(trouble_, todo);
  }
  if (!todo.settlements.empty()) run(std::move(todo));
}

void pool_core::on_forked(const message& m, unique_fd pidfd) {
  errands todo;
  {
    const lock guard(mutex_);
    const auto found = workers_.find(m.worker);
    if (found == workers_.end()) return;
    --starting_;
    changed_.notify_all();
    const auto worker = found->second;
    if (m.error != 0 || !pidfd) {
      workers_.erase(found);
      // Forked, but there was no room here for its pidfd: nobody could stop it.
      if (m.error == 0 && zygote_) static_cast<void>(zygote_->send({.kind = message_kind::kill, .worker = m.worker}));
      const auto said = m.text.view();
      trouble_ = !said.empty() ? std::string(said)
                               : "pool \"" + options_.name +
                                     "\" cannot fork a worker: " + std::strerror(m.error != 0 ? m.error : EMFILE);
      ++start_deaths_;
      back_off(todo);
    } else {
      worker->pid = m.pid;
      worker->pidfd = std::move(pidfd);
      worker->state = worker_state::idle;
      idle_.push_back(worker);
      ++counts_.started;
      trouble_.clear();
      take_launches(todo);
    }
  }
  run(std::move(todo));
}

void pool_core::on_exited(std::uint32_t number, const worker_end& end) {
  handle worker;
  std::shared_ptr<job> task;
  errands todo;
  {
    const lock guard(mutex_);
    const auto found = workers_.find(number);
    if (found == workers_.end()) return;
    worker = found->second;
    worker->exited = true;
    worker->end = end;
    worker->end.violation = worker->violation;
    changed_.notify_all();
    const bool was_ready = worker->control().ready.load(std::memory_order_acquire) != 0;
    if (was_ready) {
      start_deaths_ = 0;
    } else if (worker->state == worker_state::idle || worker->state == worker_state::running) {
      ++start_deaths_;
      if (start_deaths_ >= most_start_deaths)
        trouble_ = "the workers of pool \"" + options_.name + "\" die as they start (wait status " +
                   std::to_string(end.status) + "): is there memory, and may they run?";
    }
    if (worker->state == worker_state::running) {
      task = worker->task;
    } else if (worker->state != worker_state::collecting) {  // a collector sees it by itself
      if (worker->state == worker_state::idle) std::erase(idle_, worker);
      worker->state = worker_state::lost;
      workers_.erase(found);
      if (worker->receipt) todo.reclaimed.push_back(std::move(worker->receipt));
    }
    todo.fork = true;
    if (!was_ready && start_deaths_ > 0) back_off(todo);
  }
  if (task) task_died(worker, task, worker->end);
  worker.reset();  // its descriptors and memory go before the receipt says so
  run(std::move(todo));
}

void pool_core::on_violated(std::uint32_t number, int call) {
  const lock guard(mutex_);
  if (const auto found = workers_.find(number); found != workers_.end()) found->second->violation = call;
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
  errands todo;
  {
    const lock guard(mutex_);
    if (std::holds_alternative<job_crashed>(*result)) ++counts_.crashed;
    if (std::holds_alternative<job_stopped>(*result)) ++counts_.killed;
    release(worker, *task, worker_state::lost, todo);
    take_launches(todo);
    todo.settle(task, std::move(*result));
  }
  run(std::move(todo));
}

void pool_core::back_off(errands& todo) {
  if (starting_ == 0 && idle_.empty() && busy_ == 0 && !trouble_.empty()) fail_queue(trouble_, todo);
  if (backing_off_) return;
  backing_off_ = true;
  const auto after = back_off_after(start_deaths_);
  ::timerfd_settime(back_off_timer_.get(), 0, &after, nullptr);
}

void pool_core::on_back_off_over() {
  std::uint64_t times = 0;
  if (::read(back_off_timer_.get(), &times, sizeof times) != sizeof times) return;
  {
    const lock guard(mutex_);
    backing_off_ = false;
  }
  fork_workers();
}

void pool_core::delegate_kill(pid_t worker) noexcept {
  const lock guard(mutex_);
  for (const auto& [number, w] : workers_)
    if (w->pid == worker && zygote_) static_cast<void>(zygote_->send({.kind = message_kind::kill, .worker = number}));
}

}  // namespace workit::workers
