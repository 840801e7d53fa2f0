// Checks for the kernel calls that the boundaries need.
#include "checks.hpp"

#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <workit/base/unique_fd.hpp>

#include <workit/base/detail/number_text.hpp>
#include "samples/machine.hpp"

namespace workit::latency {
namespace {

std::string error_text() { return std::strerror(errno); }

}  // namespace

std::string busy_sentence(double load, int cpus) {
  if (cpus < 1 || load <= cpus) return {};
  const auto text = [](double number) { return detail::number_text(std::round(number * 10) / 10); };
  return "the load is " + text(load) + " on " + std::to_string(cpus) + (cpus == 1 ? " CPU" : " CPUs") +
         ": the turns of other processes are in every figure here, and a stop waits for them. On a quiet host it is "
         "shorter";
}

std::vector<finding> checks() {
  std::vector<finding> found;
  if (const unique_fd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))); !self)
    found.push_back(
        {"pidfd_open(2) is refused (" + error_text() +
             "): the process boundary needs Linux 5.3 or later, and a container whose seccomp profile allows it",
         true});
  if (const unique_fd memory(memfd_create("workit-latency", MFD_CLOEXEC)); !memory)
    found.push_back({"memfd_create(2) is refused (" + error_text() +
                         "): the process boundary needs it; allow it in the container's seccomp profile",
                     true});
  const auto commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (commands < 0 || (commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0)
    found.push_back({"membarrier(2) has no expedited command here (" +
                     (commands < 0 ? error_text() : std::string("Linux older than 4.16")) +
                     "): stops of processes are proven by their death notice instead, which takes longer"});
  const unsigned notify = SECCOMP_RET_USER_NOTIF;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) != 0)
    found.push_back({"seccomp(2) has no user notification here (" + error_text() +
                     "): pools with a sandbox will not start; stops do not need it"});
  cpu_set_t cpus;
  const int usable = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
  if (auto busy = busy_sentence(bench::load_average(), usable); !busy.empty()) found.push_back({std::move(busy)});
  if (usable == 1)
    found.push_back(
        {"one CPU only: the stopping and the stopped thread take turns on it, so expect the time slice of the "
         "scheduler (3 to 4 ms) in every figure; two CPUs at least are needed for short stops"});
  return found;
}

}  // namespace workit::latency
