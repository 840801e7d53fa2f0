// Facts of the machine and the build, without which a figure means nothing.
#pragma once

#include <string>

namespace workit::bench {

struct machine_facts {
  std::string cpu{};       ///< the processor's own name
  int cpus = 0;            ///< that this process may use
  std::string kernel{};    ///< release, as uname(2) has it
  std::string compiler{};  ///< of the build
  bool hypervisor = false;
  double clock_resolution_ns = 0;  ///< of CLOCK_MONOTONIC, by clock_getres(2)
};

/// Blocks: reads /proc/cpuinfo. Errors: none; what cannot be read is "unknown" or 0.
[[nodiscard]] machine_facts machine();

/// The load average over the last minute; 0 when it cannot be read.
[[nodiscard]] double load_average();

}  // namespace workit::bench
