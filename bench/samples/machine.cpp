// Reads the facts of the machine from /proc and the kernel.
#include "machine.hpp"

#include <sched.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace workit::bench {
namespace {

/// The value of the first line of /proc/cpuinfo with that key; empty when there is none.
std::string cpuinfo(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const auto from = line.find_first_not_of(' ', colon + 1);
    return from == std::string::npos ? "" : line.substr(from);
  }
  return "";
}

int usable_cpus() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

}  // namespace

machine_facts machine() {
  machine_facts facts;
  facts.cpu = cpuinfo("model name");
  if (facts.cpu.empty()) facts.cpu = "unknown";
  facts.cpus = usable_cpus();
  utsname names{};
  facts.kernel = uname(&names) == 0 ? names.release : "unknown";
#if defined(__clang__)
  facts.compiler = "Clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#else
  facts.compiler = "GCC " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
  facts.hypervisor = cpuinfo("flags").find(" hypervisor") != std::string::npos;
  timespec resolution{};
  if (clock_getres(CLOCK_MONOTONIC, &resolution) == 0)
    facts.clock_resolution_ns = static_cast<double>(resolution.tv_sec) * 1e9 + static_cast<double>(resolution.tv_nsec);
  return facts;
}

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace workit::bench
