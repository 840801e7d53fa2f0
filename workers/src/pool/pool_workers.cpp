// The workers of a pool: forked when some are missing, buried when they have died.
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"
#include "worker_memory.hpp"

namespace workit::workers {
namespace {

/// Requests under way at once: their packets fit the socket, whatever the size of the pool.
constexpr std::size_t most_forks_at_once = 32;
/// Deaths at start in a row, with no worker left alive, after which queued jobs are told.
constexpr unsigned most_start_deaths = 5;

/// Longer than a small victim takes to die, and than its caller's next task.
constexpr long replenish_after_ns = 2'000'000;

/// 10 ms, doubled with each death, at most a second.
itimerspec back_off_after(unsigned deaths) {
  const long ms = std::min(1000L, 10L << std::min(deaths, 7U));
  return {{}, {ms / 1000, ms % 1000 * 1'000'000}};
}

}  // namespace

void pool_core::enter(const handle& worker, worker_state next) {
  const auto count_of = [&](worker_state s) -> std::size_t* {
    if (s == worker_state::starting || s == worker_state::preparing) return &worker->from->starting;
    if (s == worker_state::running || s == worker_state::collecting) return &worker->from->busy;
    return nullptr;
  };
  auto& idle = worker->from->idle;
  if (auto* before = count_of(worker->state)) --*before;
  // Mostly the last one: it is the next to be given a task.
  if (worker->state == worker_state::idle) idle.erase(std::next(std::find(idle.rbegin(), idle.rend(), worker)).base());
  worker->state = next;
  if (auto* after = count_of(next)) ++*after;
  if (next == worker_state::idle) {
    worker->idle_since = std::chrono::steady_clock::now();
    idle.push_back(worker);
  }
  if (worker->from->is_over()) std::erase(zygote_groups_, worker->from);
  changed_.notify_all();
}

std::size_t pool_core::busy() const noexcept {
  std::size_t n = 0;
  for (const auto& b : zygote_groups_) n += b->busy;
  return n;
}

std::size_t pool_core::alive() const noexcept {
  std::size_t n = 0;
  for (const auto& b : zygote_groups_) n += b->alive();
  return n;
}

std::shared_ptr<zygote_group> pool_core::short_of_workers() const {
  if (life_ == life::closing || life_ == life::closed) return nullptr;
  const auto dead = workers_.size() - std::min(workers_.size(), alive());
  if (dead >= most_dead(wanted())) return nullptr;
  for (const auto& b : {serving_, next_})
    if (b && b->ready && !b->dismissed && !(b == serving_ && backing_off_) && b->alive() < wanted_from(*b) &&
        b->starting < most_forks_at_once)
      return b;
  return nullptr;
}

void pool_core::replenish(deferred_actions& todo) {
  if (todo.fork || short_of_workers() == nullptr) return;
  if (!queue_.empty()) {
    todo.fork = true;
  } else if (!replenishing_) {
    replenishing_ = true;
    const itimerspec after{{}, {0, replenish_after_ns}};
    ::timerfd_settime(replenish_timer_.get(), 0, &after, nullptr);
  }
}

void pool_core::on_replenish_timer() {
  std::uint64_t times = 0;
  if (::read(replenish_timer_.get(), &times, sizeof times) != sizeof times) return;
  {
    const lock guard(mutex_);
    replenishing_ = false;
  }
  fork_workers();
}

pool_core::handle pool_core::reserve_worker() {
  const lock guard(mutex_);
  const auto from = short_of_workers();
  if (!from) {
    forget_old_losses();
    return nullptr;
  }
  try {
    auto worker = worker_handle::make(++last_number_, from, options_.output);
    watch_output(*worker);
    ++from->starting;
    return worker;
  } catch (const std::exception& e) {
    if (from == next_)
      give_up(*from, e.what());
    else
      trouble_ = e.what();
    return nullptr;
  }
}

void pool_core::fork_workers() {
  while (const auto worker = reserve_worker()) {
    const lock guard(mutex_);
    const auto ends = worker->descriptors_for_zygote();
    const message wish{.kind = message_kind::fork, .worker = worker->number};
    auto& from = *worker->from;
    if (!from.link || from.link->send(wish, ends) != transfer::done) {
      --from.starting;  // the zygote's next word, or its end, brings us here again
      return;
    }
    worker->close_far_ends();
    workers_.emplace(worker->number, worker);
  }
  deferred_actions todo;
  {
    const lock guard(mutex_);
    // Wanted, and not to be had: for want of memory or descriptors, which may come back.
    if (!trouble_.empty() && serving_ != nullptr && short_of_workers() == serving_) back_off(todo);
    if (!trouble_.empty() && (serving_ == nullptr || serving_->alive() == 0)) fail_queue({trouble_}, todo);
  }
  if (!todo.settlements.empty()) run(std::move(todo));
}

void pool_core::on_forked(zygote_group& from, const message& m, unique_fd pidfd) {
  deferred_actions todo;
  {
    const lock guard(mutex_);
    const auto found = workers_.find(m.worker);
    if (found == workers_.end() || found->second->state != worker_state::starting ||
        found->second->from.get() != &from) {
      // Wanted by nobody any more: the zygote was given up, and goes on after all.
      if (m.error == 0 && from.link)
        static_cast<void>(from.link->send({.kind = message_kind::kill, .worker = m.worker}));
      return;
    }
    const auto worker = found->second;
    if (m.error != 0 || !pidfd) {
      enter(worker, worker_state::lost);
      workers_.erase(found);
      // Forked, but there was no room here for its pidfd: nobody could stop it.
      if (m.error == 0 && from.link)
        static_cast<void>(from.link->send({.kind = message_kind::kill, .worker = m.worker}));
      const auto said = m.text.view();
      auto sentence = !said.empty() ? std::string(said)
                                    : "pool \"" + options_.name +
                                          "\" cannot fork a worker: " + std::strerror(m.error != 0 ? m.error : EMFILE);
      if (&from == next_.get()) give_up(from, sentence);
      if (&from == serving_.get()) {
        trouble_ = std::move(sentence);
        ++start_deaths_;
        back_off(todo);
      }
    } else {
      worker->pid = m.pid;
      worker->pidfd = std::move(pidfd);
      ++counts_.started;
      if (is_retired(&from)) {
        enter(worker, worker_state::lost);
        todo.kills.push_back(worker);
      } else if (options_.worker_init != nullptr &&
                 worker->control().ready.load(std::memory_order_acquire) != ready_now) {
        enter(worker, worker_state::preparing);  // it rings the bell, or dies
      } else {
        on_ready(worker, todo);
      }
    }
  }
  run(std::move(todo));
}

void pool_core::on_ready(const handle& worker, deferred_actions& todo) {
  if (options_.max_growth != 0) worker->first_memory = anonymous_memory_of(worker->pid);
  enter(worker, worker_state::idle);
  if (worker->from == serving_) {
    trouble_.clear();
    outage_since_ = {};
    if (!losses_.empty()) {
      counts_.capacity_restore.record(worker->idle_since - losses_.front());
      losses_.pop_front();
    }
    arm_shrink_timer();
    take_launches(todo);
  }
  switch_over(todo);
}

void pool_core::on_ready_event() {
  std::uint64_t times = 0;
  if (::read(ready_event_.get(), &times, sizeof times) != sizeof times) return;
  deferred_actions todo;
  {
    const lock guard(mutex_);
    for (const auto& [number, worker] : workers_)
      if (worker->state == worker_state::preparing &&
          worker->control().ready.load(std::memory_order_acquire) == ready_now)
        on_ready(worker, todo);
  }
  run(std::move(todo));
}

void pool_core::on_exited(std::uint32_t number, const worker_end& end) {
  handle worker;
  std::shared_ptr<job> task;
  deferred_actions todo;
  {
    const lock guard(mutex_);
    const auto found = workers_.find(number);
    if (found == workers_.end() || found->second->exited) return;
    worker = found->second;
    worker->exited = true;
    worker->end = end;
    worker->end.violation = worker->violation;
    changed_.notify_all();
    bool brake = false;
    if (worker->control().ready.load(std::memory_order_acquire) == ready_now)
      start_deaths_ = 0;
    else if (worker->state != worker_state::lost)
      brake = died_at_start(*worker, end.status);
    if (worker->state == worker_state::running) {
      task = worker->task;
    } else if (worker->state != worker_state::collecting) {  // a collector sees it by itself
      const auto now = std::chrono::steady_clock::now();
      if (worker->state == worker_state::idle && worker->from == serving_) losses_.push_back(now);
      if (worker->state != worker_state::lost) enter(worker, worker_state::lost);
    }
    todo.fork = true;
    if (brake) back_off(todo);
  }
  if (task) task_died(worker, task, worker->end);
  run(std::move(todo));
}

void pool_core::on_reclaimed(std::uint32_t number) {
  handle worker;
  deferred_actions todo;
  {
    const lock guard(mutex_);
    const auto found = workers_.find(number);
    if (found == workers_.end()) return;
    worker = found->second;
    worker->reclaimed = true;
    todo.fork = true;  // there may have been too many dead ones
    changed_.notify_all();
    if (!worker->task) workers_.erase(found);  // else who has it lets go of both
    if (worker->receipt) {
      counts_.reclaim_latency.record(std::chrono::steady_clock::now() - worker->stopped_at);
      todo.reclaimed.push_back(std::move(worker->receipt));
    }
  }
  worker.reset();  // its descriptors and memory go before the receipt says so
  run(std::move(todo));
}

/// True when the next one should wait a little.
bool pool_core::died_at_start(const worker_handle& worker, int status) {
  std::string sentence;
  if (worker.control().ready.load(std::memory_order_acquire) == init_failed) {
    auto words = worker.read_result({});
    if (auto* n = words ? std::get_if<job_not_started>(&*words) : nullptr)
      sentence = "worker_init of pool \"" + options_.name + "\" threw " + n->why;
  }
  const bool has_words = !sentence.empty();
  if (!has_words)
    sentence = "the workers of pool \"" + options_.name + "\" die as they start (wait status " +
               std::to_string(status) + "): is there memory, and may they run?";
  if (worker.from == next_) give_up(*next_, sentence);
  if (worker.from != serving_) return false;
  ++start_deaths_;
  if (has_words || start_deaths_ >= most_start_deaths) trouble_ = std::move(sentence);
  return true;
}

void pool_core::on_violated(std::uint32_t number, int call) {
  const lock guard(mutex_);
  if (const auto found = workers_.find(number); found != workers_.end()) found->second->violation = call;
}

void pool_core::back_off(deferred_actions& todo) {
  if (!trouble_.empty() && (serving_ == nullptr || serving_->alive() == 0)) fail_queue({trouble_}, todo);
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

bool pool_core::kill_worker(worker_handle& worker) noexcept {
  worker.note_kill();
  const auto answer = preempt::send_kill(worker.pidfd.get());
  if (answer == preempt::kill_answer::denied) ask_zygote_to_kill(worker);
  return answer == preempt::kill_answer::sent;
}

void pool_core::ask_zygote_to_kill(const worker_handle& worker) noexcept {
  const lock guard(mutex_);
  if (worker.from->link)
    static_cast<void>(worker.from->link->send({.kind = message_kind::kill, .worker = worker.number}));
}

}  // namespace workit::workers
