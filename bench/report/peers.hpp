// The peers of a run: what a user would pick instead, as far as their series tell.
#pragma once

#include "run.hpp"

namespace workit::bench_report {

struct peer {
  std::string name;
  std::string stops;  ///< what code it stops: native, bytecode, javascript or nothing
  const series* resumed = nullptr;
  const series* last_instruction = nullptr;
  const series* next_task = nullptr;
  /// When its stop was over: it is `resumed`, or `last_instruction` where that comes later, since then the caller
  /// had only stopped waiting. Never null.
  const series* stopped = nullptr;
  /// Its caller went on while the victim was still running, at the median.
  bool only_stopped_waiting = false;
};

/// The peers whose victim held no memory, in the order of their first series. Lifetime: until the run changes.
[[nodiscard]] std::vector<peer> peers_of(const run& r);

/// The size in a name such as ".../64MiB/..."; 0 when there is none.
[[nodiscard]] double memory_mib(std::string_view name);

}  // namespace workit::bench_report
