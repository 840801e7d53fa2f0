// child_reaper: see the header for who belongs to it.
//
// Invariants
// 1. A pid is signalled only while it is our unreaped child (or the group of one): it cannot have become another's.
// 2. Whoever is reaped has had its process group killed. Orphans are looked for after that, since each death can hand
// us
//    its children, and before it is reported; once for all that died together.
// 3. Of the keepers whose worker is dead only the first in `memories_` has been killed, but for end().
#include "child_reaper.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <string>
#include <utility>

namespace workit::workers {
namespace {

/// Whether the numbers in /proc are those of our PID namespace. A namespace made without a /proc of its own shows the
/// numbers of the one above: to kill by them would hit anybody.
bool proc_is_ours() noexcept {
  char self[16] = {};
  pid_t pid = 0;
  const auto size = ::readlink("/proc/self", self, sizeof self);
  return size > 0 && std::from_chars(self, self + size, pid).ec == std::errc{} && pid == ::getpid();
}

/// Our children as the kernel lists them, separated by blanks (proc(5)); none where that cannot be told.
std::string list_children() {
  std::string list;
  if (!proc_is_ours()) return list;
  const unique_fd file(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  char part[4096];
  for (ssize_t n = 0; file && (n = ::read(file.get(), part, sizeof part)) > 0;)
    list.append(part, static_cast<std::size_t>(n));
  return list;
}

template <class Visit>
void for_each_pid(const std::string& list, Visit visit) {
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec == std::errc{}) visit(pid);
    at = parsed.ptr + 1;
  }
}

}  // namespace

void child_reaper::add_worker(std::uint32_t worker, pid_t pid, unique_fd pidfd, pid_t keeper) {
  workers_.emplace(pid, member{worker, std::move(pidfd), keeper});
}

void child_reaper::kill_worker(std::uint32_t worker) noexcept {
  for (const auto& [pid, m] : workers_)
    if (m.worker == worker) ::syscall(SYS_pidfd_send_signal, m.pidfd.get(), SIGKILL, nullptr, 0);
}

void child_reaper::kill_orphans(bool sentinel_too) noexcept {
#ifdef WORKIT_WITHOUT_ORPHAN_SWEEP
  return;
#endif
  for_each_pid(list_children(), [&](pid_t pid) {
    if (!is_ours(pid, sentinel_too)) ::kill(pid, SIGKILL);
  });
}

bool child_reaper::is_ours(pid_t pid, bool sentinel_too) const noexcept {
  const auto keeps = [&](const auto& one) { return one.keeper == pid; };
  return workers_.contains(pid) || (pid == sentinel_ && !sentinel_too) ||
         std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return keeps(w.second); }) ||
         std::any_of(ended_.begin(), ended_.end(), [&](const auto& e) { return keeps(e.of); }) ||
         std::any_of(memories_.begin(), memories_.end(), keeps);
}

bool child_reaper::reap_one(int options) {
  siginfo_t who{};
  if (::waitid(P_ALL, 0, &who, WEXITED | WNOWAIT | options) != 0) return errno == EINTR;
  if (who.si_pid == 0) return false;
  const auto found = workers_.find(who.si_pid);
  if (found != workers_.end()) ::kill(-who.si_pid, SIGKILL);  // a session leader's group, until it is reaped
  int status = 0;
  rusage used{};
  ::wait4(who.si_pid, &status, __WALL, &used);
  if (who.si_pid == sentinel_) sentinel_ = -1;
  if (found != workers_.end()) {
    ended_.push_back({std::move(found->second), status, used});
    workers_.erase(found);
  } else {
    keeper_is_gone(who.si_pid);
  }
  return true;
}

void child_reaper::report() {
  const auto ended = std::exchange(ended_, {});
  for (const auto& e : ended)
    if (e.of.keeper > 0) memories_.push_back({e.of.worker, e.of.keeper});
  for (const auto& e : ended) {
    exited_(e.of.worker, e.status, e.used);
    if (e.of.keeper <= 0) reclaimed_(e.of.worker);
  }
  free_next();
}

void child_reaper::free_next() noexcept {
  if (freeing_ || memories_.empty()) return;
  freeing_ = true;
  ::kill(memories_.front().keeper, SIGKILL);
}

/// Most often that of a dead worker; but anybody may have ended any.
void child_reaper::keeper_is_gone(pid_t pid) {
  for (auto& [of, m] : workers_)
    if (m.keeper == pid) m.keeper = -1;
  for (auto& e : ended_)
    if (e.of.keeper == pid) e.of.keeper = -1;
  const auto found = std::find_if(memories_.begin(), memories_.end(), [&](const memory& m) { return m.keeper == pid; });
  if (found == memories_.end()) return;  // an orphan
  const auto worker = found->worker;
  if (found == memories_.begin()) freeing_ = false;
  memories_.erase(found);
  reclaimed_(worker);
  free_next();
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
    if (m.keeper > 0) ::kill(m.keeper, SIGKILL);
  }
  for (const auto& m : memories_) ::kill(m.keeper, SIGKILL);
  if (sentinel_ > 0) ::kill(sentinel_, SIGKILL);
  // Orphans that cannot be found are not waited for either: they are left to the namespace's process 1.
  const bool findable = proc_is_ours();
  do {
    kill_orphans(true);
    report();
  } while ((findable || !workers_.empty() || !memories_.empty() || sentinel_ > 0) && reap_one(0));
}

}  // namespace workit::workers
