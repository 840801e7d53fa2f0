// The end of a pool, in bounded time: intake, grace, all kills at once, reaping, and a report that hides nothing.
#include <algorithm>
#include <cstdio>
#include <string>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"
#include "process_state.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// How long a zygote may take to end by itself before it is killed; it normally takes a millisecond.
constexpr auto zygote_grace = 2s;

void tell_end(const process_options& options, const shutdown_report& report) noexcept {
  if (options.on_shutdown) {
    try {
      options.on_shutdown(report);
    } catch (...) {
    }
    return;
  }
  for (const auto& u : report.unreaped)
    std::fprintf(stderr, "workit: pool \"%s\" has ended, but its %s %d would not die (state %c)\n",
                 options.name.c_str(), u.is_zygote ? "zygote" : "worker", static_cast<int>(u.pid), u.state);
}

}  // namespace

shutdown_report pool_core::stop(shutdown_options how) noexcept {
  const auto began = clock::now();
  deferred_actions todo;
  bool was_up = false;
  {
    thread_lock guard(mutex_);
    if (life_ == life::closing)
      changed_.wait(guard.native(), [this] {
        mutex_.assert_held();
        return life_ == life::closed;
      });
    if (life_ == life::fresh) life_ = life::closed;
    if (life_ == life::closed) return ending_.report();
    was_up = life_ != life::starting;
    life_ = life::closing;
    const auto zygotes = std::ranges::count_if(zygotes_.all(), [](const auto& g) { return g->link != nullptr; });
    ending_.begin({.finished = finished_, .killed = counts_.killed}, dispatch_.waiting(),
                  workers_.size() + static_cast<std::size_t>(zygotes));
    dispatch_.answer_all(stopped_answer(), todo);
    changed_.notify_all();
  }
  run(std::move(todo));
  wait_for_tasks(deadline_point::in(how.grace, began));
  const auto until = deadline_point::in(how.reaping, clock::now());
  kill_running(until);
  end_zygotes(until);
  give_up_unreaped();
  group_.reset();
  fall_silent();
  shutdown_report report;
  {
    const thread_lock guard(mutex_);
    ending_.end({.finished = finished_, .killed = counts_.killed}, dispatch_.unsettled(), clock::now() - began);
    report = ending_.report();
    life_ = life::closed;
    changed_.notify_all();
  }
  if (was_up) tell_end(options_, report);
  return report;
}

/// The loops may have stopped turning, so their results are collected here too.
void pool_core::wait_for_tasks(deadline_point until) {
  for (;;) {
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) collect(loop);
    thread_lock guard(mutex_);
    if (dispatch_.unsettled() == 0 || until.passed(clock::now())) return;
    changed_.wait_for(guard.native(), 1ms);
  }
}

/// The warden stops what runs. The results of tasks that committed meanwhile are collected; a zygote that reports no
/// deaths is killed, so that the pidfds of its workers report them.
void pool_core::kill_running(deadline_point until) noexcept {
  std::vector<std::shared_ptr<preempt::lease>> running;
  {
    const thread_lock guard(mutex_);
    for (const auto& [number, worker] : workers_)
      if (worker->task) running.push_back(worker->task);
  }
  const auto requested = clock::now();
  warden_.shut_down(running, until);
  running.clear();
  const auto half = requested + std::min<duration>(zygote_grace, (until.at() - requested) / 2);
  wait_for_tasks(std::min(deadline_point(half), until));
  {
    const thread_lock guard(mutex_);
    if (dispatch_.unsettled() == 0) return;
    for (const auto& g : zygotes_.all())
      if (g->link) g->link->kill();
  }
  wait_for_tasks(until);
}

void pool_core::end_zygotes(deadline_point until) noexcept {
  thread_lock guard(mutex_);
  for (const auto& g : zygotes_.all()) g->dismiss();
  const auto now = clock::now();
  // The pidfds of orphans, which a zygote could not take along, are watched.
  const auto gone = [this] {
    mutex_.assert_held();
    return !reloading_ && !replacing_ && workers_.size() == 0 && zygotes_.are_all_cleared();
  };
  const auto left = std::max<duration>(until.at() - now, 10ms);  // enough where nothing hangs
  if (changed_.wait_for(guard.native(), std::min<duration>(zygote_grace, left / 2), gone)) return;
  for (const auto& g : zygotes_.all())
    if (g->link) g->link->kill();
  changed_.wait_for(guard.native(), left / 2, gone);
}

/// What is still there is listed, and the pool waits for it no more: its descriptors, memory and watches are given
/// back.
void pool_core::give_up_unreaped() noexcept {
  std::vector<handle> workers;
  std::vector<std::unique_ptr<zygote_link>> zygotes;
  {
    const thread_lock guard(mutex_);
    for (const auto& g : zygotes_.all())
      if (g->link) zygotes.push_back(std::move(g->link));
    for (const auto& [number, worker] : workers_)
      if (worker->pid != 0) workers.push_back(worker);
  }
  std::vector<unreaped_process> left;
  for (const auto& z : zygotes) {
    warden_.unwatch(z->socket());
    warden_.unwatch(z->pidfd());
    if (!z->has_exited()) left.push_back({z->pid(), true, process_state(z->pid())});
  }
  for (const auto& worker : workers) {
    warden_.unwatch(worker->pidfd.get());  // an orphan's is watched
    kill(*worker);
    if (!preempt::wait_for_exit(worker->pidfd.get(), deadline_point(clock::now() + 1ms)))
      left.push_back({worker->pid, false, process_state(worker->pid)});
  }
  std::vector<std::shared_ptr<receipt_slot>> receipts;
  {
    const thread_lock guard(mutex_);
    ending_.add_unreaped(std::move(left));
    for (const auto& [number, worker] : workers_)
      if (worker->receipt) receipts.push_back(std::move(worker->receipt));
    workers_.clear();
    zygotes_.clear();
    changed_.notify_all();
  }
  for (const auto& receipt : receipts) receipt->give_up();
}

}  // namespace workit::workers
