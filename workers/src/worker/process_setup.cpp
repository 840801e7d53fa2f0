// Resetting what fork(2) and execve(2) hand on.
#include "process_setup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <workit/base/detail/process_scheduling.hpp>
#include <workit/base/detail/sanitizers.hpp>

namespace workit::workers {

void reset_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // KILL, STOP and libc's own refuse
  ::signal(SIGXFSZ, SIG_IGN);  // a write past RLIMIT_FSIZE fails with EFBIG, which is an error with a sentence
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void reset_scheduling(pid_t host, const std::optional<cpu_set_t>& cpus) noexcept {
  if (cpus) workit::detail::set_processors_at_start(*cpus);
  workit::detail::run_as_process(host);
  ::prctl(PR_SET_TIMERSLACK, 50'000UL);
  set_oom_score("0");
}

void reset_standard_descriptors() noexcept {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  if (null != 0) ::dup2(null, 0);
  for (const int descriptor : {1, 2})
    if (::fcntl(descriptor, F_GETFD) < 0) ::dup2(null, descriptor);
  if (null > 2) ::close(null);
}

void discard_output() noexcept {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0) return;
  for (const int descriptor : {1, 2}) ::dup2(null, descriptor);
  if (null > 2) ::close(null);
}

void set_process_name(const char* name) noexcept { ::prctl(PR_SET_NAME, name); }

void set_oom_score(std::string_view score) noexcept {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const auto written = ::write(file, score.data(), score.size());
  ::close(file);
}

unsigned count_threads() noexcept {
  struct stat tasks {};
  // Without /proc: more than any baseline.
  if (::stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink < 3) return ~0U;
  return static_cast<unsigned>(tasks.st_nlink) - 2;
}

unsigned count_living_threads() noexcept {
  constexpr unsigned long exiting = 0x4;  // PF_EXITING, set before a join can return: linux/sched.h
  DIR* tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr) return ~0U;
  unsigned living = 0;
  while (const dirent* entry = ::readdir(tasks)) {
    if (entry->d_name[0] == '.') continue;
    char path[300];
    std::snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;  // gone
    char line[512];
    const auto size = ::read(file, line, sizeof line - 1);
    ::close(file);
    if (size <= 0) continue;
    line[size] = '\0';
    // After the name, which may contain anything: state, five numbers, flags (proc(5)).
    const char* after_name = std::strrchr(line, ')');
    unsigned long flags = 0;
    if (after_name != nullptr && std::sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 &&
        (flags & exiting) != 0)
      continue;
    ++living;
  }
  ::closedir(tasks);
  return living;
}

unsigned baseline_threads() noexcept {
#ifdef WORKIT_THREAD_SANITIZER
  return 2;
#else
  return 1;
#endif
}

}  // namespace workit::workers
