// process_scheduling: see the header.
//
// Invariant: `noted` is written while the process has one thread, and before `has_noted` is set.
#include <workit/base/detail/process_scheduling.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

namespace workit::detail {
namespace {

constinit cpu_set_t noted{};
constinit std::atomic<bool> has_noted{false};

[[gnu::constructor(101)]] void note_early() noexcept { note_processors_at_start(); }

scheduling without_real_time(const scheduling& theirs) noexcept {
  const bool may_be_kept = theirs.policy == SCHED_BATCH || theirs.policy == SCHED_IDLE;
  return {.policy = may_be_kept ? theirs.policy : std::uint32_t{SCHED_OTHER}, .nice = theirs.nice};
}

}  // namespace

void note_processors_at_start() noexcept {
  if (!has_noted.load(std::memory_order_relaxed) && ::sched_getaffinity(0, sizeof noted, &noted) == 0)
    has_noted.store(true, std::memory_order_release);
}

void set_processors_at_start(const cpu_set_t& theirs) noexcept {
  noted = theirs;
  has_noted.store(true, std::memory_order_release);
}

std::optional<cpu_set_t> processors_at_start() noexcept {
  if (!has_noted.load(std::memory_order_acquire)) return std::nullopt;
  return noted;
}

std::size_t process_cpus() noexcept {
  const auto all = processors_at_start();
  const long count = all ? CPU_COUNT(&*all) : ::sysconf(_SC_NPROCESSORS_ONLN);
  return count > 1 ? static_cast<std::size_t>(count) : 1;
}

bool spinning_pays() noexcept {
  static const bool pays = process_cpus() > 1;
  return pays;
}

void run_as_process(pid_t process) noexcept {
  cpu_set_t now;
  if (const auto all = processors_at_start();
      all && (::sched_getaffinity(0, sizeof now, &now) != 0 || !CPU_EQUAL(&*all, &now)))
    ::sched_setaffinity(0, sizeof *all, &*all);
  const auto theirs = scheduling::of(process), own = scheduling::of(0);
  if (!theirs || !own) return;  // in a sandbox
  const auto wanted = without_real_time(*theirs);
  if (own->policy == wanted.policy && own->nice == wanted.nice) return;
  if (wanted.give_to(0)) return;
  const sched_param none{};
  ::sched_setscheduler(0, static_cast<int>(wanted.policy), &none);
  ::setpriority(PRIO_PROCESS, 0, wanted.nice);
}

}  // namespace workit::detail
