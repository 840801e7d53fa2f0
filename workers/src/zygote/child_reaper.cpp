// child_reaper: see the header for the children that it has.
//
// Invariants
// 1. A pid is signalled only while it is our unreaped child (or the group of one): it cannot have become another's.
// 2. A worker that is reaped has had its process group killed. Orphans are looked for after that, since each death can
//    hand us its children, and before it is reported; once for all that died together.
// 3. Of the mm_holders whose worker is dead only the first in `memories_` has been killed, except by end().
#include "child_reaper.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "child_list.hpp"

namespace workit::workers {

void child_reaper::add_worker(std::uint32_t worker, pid_t pid, unique_fd pidfd, pid_t mm_holder) {
  workers_.emplace(pid, member{worker, std::move(pidfd), mm_holder});
}

void child_reaper::kill_worker(std::uint32_t worker) noexcept {
  for (const auto& [pid, m] : workers_)
    if (m.worker == worker) ::syscall(SYS_pidfd_send_signal, m.pidfd.get(), SIGKILL, nullptr, 0);
}

/// `host_watcher_too`: as if the host watcher were one.
void child_reaper::kill_orphans(bool host_watcher_too) noexcept {
#ifdef WORKIT_WITHOUT_ORPHAN_SWEEP
  return;
#endif
  for (const pid_t pid : list_children())
    if (!is_known(pid, host_watcher_too)) ::kill(pid, SIGKILL);
}

bool child_reaper::is_known(pid_t pid, bool host_watcher_too) const noexcept {
  return workers_.contains(pid) || (pid == host_watcher_ && !host_watcher_too) || memories_.contains(pid) ||
         std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w.second.mm_holder == pid; }) ||
         std::any_of(ended_.begin(), ended_.end(), [&](const auto& e) { return e.of.mm_holder == pid; });
}

bool child_reaper::reap_one(int options) {
  siginfo_t child{};
  if (::waitid(P_ALL, 0, &child, WEXITED | WNOWAIT | options) != 0) return errno == EINTR;
  if (child.si_pid == 0) return false;
  const auto found = workers_.find(child.si_pid);
  if (found != workers_.end()) ::kill(-child.si_pid, SIGKILL);  // a session leader's group, until it is reaped
  int status = 0;
  rusage used{};
  ::wait4(child.si_pid, &status, __WALL, &used);
  if (child.si_pid == host_watcher_) host_watcher_ = -1;
  if (found != workers_.end()) {
    ended_.push_back({std::move(found->second), status, used});
    workers_.erase(found);
  } else {
    mm_holder_ended(child.si_pid);
  }
  return true;
}

void child_reaper::report() {
  const auto ended = std::exchange(ended_, {});
  for (const auto& e : ended)
    if (e.of.mm_holder > 0) memories_.add(e.of.worker, e.of.mm_holder);
  for (const auto& e : ended) {
    exited_(e.of.worker, e.status, e.used);
    if (e.of.mm_holder <= 0) reclaimed_(e.of.worker);
  }
  free_next();
}

void child_reaper::free_next() noexcept {
  if (const auto mm_holder = memories_.next()) ::kill(*mm_holder, SIGKILL);
}

/// Usually of a dead worker; but another process may have killed that of a living one. May be an orphan instead.
void child_reaper::mm_holder_ended(pid_t pid) {
  for (auto& [of, m] : workers_)
    if (m.mm_holder == pid) m.mm_holder = -1;
  for (auto& e : ended_)
    if (e.of.mm_holder == pid) e.of.mm_holder = -1;
  if (const auto worker = memories_.ended(pid)) {
    reclaimed_(*worker);
    free_next();
  }
}

void child_reaper::reap() {
  bool any = false;
  while (reap_one(WNOHANG)) any = true;
  if (!any) return;
  kill_orphans(false);
  report();
}

void child_reaper::end() {
  for (const auto& [pid, m] : workers_) {
    ::syscall(SYS_pidfd_send_signal, m.pidfd.get(), SIGKILL, nullptr, 0);
    if (m.mm_holder > 0) ::kill(m.mm_holder, SIGKILL);
  }
  memories_.for_each_mm_holder([](pid_t pid) { ::kill(pid, SIGKILL); });
  if (host_watcher_ > 0) ::kill(host_watcher_, SIGKILL);
  // Orphans that cannot be found are not waited for either: they are left to the namespace's process 1.
  const bool findable = proc_is_ours();
  do {
    kill_orphans(true);
    report();
  } while ((findable || !workers_.empty() || !memories_.empty() || host_watcher_ > 0) && reap_one(0));
}

}  // namespace workit::workers
