// The end of a pool, in bounded time: intake, grace, all kills at once, reaping, and a report that hides nothing.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// How long a zygote may take to end by itself before it is killed; it normally takes a millisecond.
constexpr auto patience = 2s;

/// The letter in /proc/<pid>/stat, behind a name that may contain anything (proc(5)).
char state_of(pid_t pid) noexcept {
  char path[32], line[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return '?';
  const auto size = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[size] = '\0';
  const char* after_name = std::strrchr(line, ')');
  return after_name != nullptr && after_name[1] == ' ' ? after_name[2] : '?';
}

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
  std::size_t finished_before = 0, killed_before = 0;
  bool was_up = false;
  {
    lock guard(mutex_);
    if (life_ == life::closing) changed_.wait(guard, [&] { return life_ == life::closed; });
    if (life_ == life::fresh) life_ = life::closed;
    if (life_ == life::closed) return report_;
    was_up = life_ != life::starting;
    life_ = life::closing;
    report_.refused = queue_.size() + queue_.outside();
    fail_queue(stopped_answer(), todo);
    finished_before = finished_;
    killed_before = counts_.killed;
    report_.reaped =
        workers_.size() + static_cast<std::size_t>(std::count_if(zygote_groups_.begin(), zygote_groups_.end(),
                                                                 [](auto& b) { return !!b->link; }));
    changed_.notify_all();
  }
  run(std::move(todo));
  wait_for_tasks(deadline::in(how.grace, began));
  const auto killed_at = clock::now();
  const auto until = deadline::in(how.reaping, killed_at);
  kill_running(until);
  end_zygotes(until);
  give_up_unreaped();
  group_.reset();
  fall_silent();
  {
    const lock guard(mutex_);
    report_.finished = finished_ - finished_before;
    report_.killed = counts_.killed - killed_before;
    report_.unsettled = unsettled_;
    report_.reaped -= std::min(report_.reaped, report_.unreaped.size());
    report_.took = clock::now() - began;
    life_ = life::closed;
    changed_.notify_all();
  }
  if (was_up) tell_end(options_, report_);
  return report_;
}

/// The loops may turn no more, so their results are collected here too.
void pool_core::wait_for_tasks(deadline until) {
  for (;;) {
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) collect(loop);
    lock guard(mutex_);
    if (unsettled_ == 0 || until.passed(clock::now())) return;
    changed_.wait_for(guard, 1ms);
  }
}

/// The warden stops what runs. The results of tasks that committed meanwhile are collected; a zygote that reports no
/// deaths is killed, so that the pidfds of its workers report them.
void pool_core::kill_running(deadline until) noexcept {
  std::vector<std::shared_ptr<preempt::lease>> running;
  {
    const lock guard(mutex_);
    for (const auto& [number, worker] : workers_)
      if (worker->task) running.push_back(worker->task);
  }
  const auto requested = clock::now();
  warden_.shut_down(running, until);
  running.clear();
  const auto half = requested + std::min<duration>(patience, (until.at() - requested) / 2);
  wait_for_tasks(std::min(deadline(half), until));
  {
    const lock guard(mutex_);
    if (unsettled_ == 0) return;
    for (const auto& b : zygote_groups_)
      if (b->link) b->link->kill();
  }
  wait_for_tasks(until);
}

void pool_core::end_zygotes(deadline until) noexcept {
  lock guard(mutex_);
  for (const auto& b : zygote_groups_) b->dismiss();
  const auto now = clock::now();
  // Orphans, if a zygote could not take them along, have their pidfds watched.
  const auto gone = [&] {
    return !reloading_ && !replacing_ && workers_.empty() &&
           std::all_of(zygote_groups_.begin(), zygote_groups_.end(), [](const auto& b) { return b->cleared; });
  };
  const auto left = std::max<duration>(until.at() - now, 10ms);  // enough for what is not in anybody's way
  if (changed_.wait_for(guard, std::min<duration>(patience, left / 2), gone)) return;
  for (const auto& b : zygote_groups_)
    if (b->link) b->link->kill();
  changed_.wait_for(guard, left / 2, gone);
}

/// What is still there is listed, and nobody waits for it any more: its descriptors, memory and watches are let go.
void pool_core::give_up_unreaped() noexcept {
  std::vector<handle> unreaped;
  std::vector<std::unique_ptr<zygote_link>> zygotes;
  {
    const lock guard(mutex_);
    for (const auto& b : zygote_groups_)
      if (b->link) zygotes.push_back(std::move(b->link));
    for (auto& [number, worker] : workers_)
      if (worker->pid != 0) unreaped.push_back(worker);
  }
  for (const auto& z : zygotes) {
    warden_.unwatch(z->socket());
    warden_.unwatch(z->pidfd());
    if (!z->has_exited()) report_.unreaped.push_back({z->pid(), true, state_of(z->pid())});
  }
  for (const auto& worker : unreaped) {
    warden_.unwatch(worker->pidfd.get());  // if it was an orphan
    kill_worker(*worker);
    if (!preempt::wait_for_exit(worker->pidfd.get(), deadline(clock::now() + 1ms)))
      report_.unreaped.push_back({worker->pid, false, state_of(worker->pid)});
  }
  const lock guard(mutex_);
  for (const auto& worker : unreaped)
    if (worker->state != worker_state::lost) enter(worker, worker_state::lost);
  workers_.clear();
  serving_.reset();
  next_.reset();
  zygote_groups_.clear();
}

}  // namespace workit::workers
