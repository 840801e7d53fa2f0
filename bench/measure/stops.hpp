// Stopping work through workit, as the request that owns it sees it.
#pragma once

#include <chrono>
#include <string>
#include <workit/base/boundary.hpp>

#include "floors.hpp"

namespace workit::bench {

struct stop_plan {
  boundary where = boundary::process;
  std::string victim = "spin";
  int memory_mib = 0;  ///< that each victim holds; at boundary::process only
  int victims = 1;     ///< stopped by one cancellation
  int n = 30;          ///< how often
  bool spares = true;  ///< as many as victims; else the next task waits for a fork
  /// For how long the victims run before they are stopped, as ones that fill their memory do: by then the kernel has
  /// moved a victim away from the process that controls it.
  std::chrono::milliseconds head_start{3};
  bool queued = false;  ///< the next task is offered before the stop, and waits: processes then have no spares
  std::chrono::milliseconds next_computes{0};  ///< the queued one's
};

/// Microseconds since the cancellation was decided.
struct stop_samples {
  samples stopped{};    ///< proven: not one instruction of any victim later
  samples resumed{};    ///< the fiber that cancelled its scope has left the scope
  samples start{};      ///< since then, of a next task of the same pool: from its call to its first instruction
  samples next_runs{};  ///< the same since the cancellation; of the queued one, if there is one
  samples handed_on{};  ///< and since the stop
  samples next{};       ///< its caller has its result
  samples reclaimed{};  ///< the victims' memory and processes are back
  samples last{};       ///< of victim stamp: its last turn, by its own clock, as found after reclaimed
  std::string proof{};  ///< of the last stop, by its name
  int refused = 0;      ///< stops that boundary::thread refused; in none of the above
};

/// Spawns the victims in a scope, waits until all run, cancels the scope; n times in one runtime. Each victim has a
/// worker. Blocks: for n turns. Errors: std::invalid_argument for a plan that cannot be;
/// start_failed when the boundary is not to be had here.
[[nodiscard]] stop_samples stops(const stop_plan& plan);

/// Microseconds from a scope's deadline to the proven stop of the victim in it. Not negative: sooner would be wrong.
[[nodiscard]] samples deadline_lateness(boundary where, int n);

/// From the cancellation of one that cannot be stopped, since it computes with a lock held, to the result of the next
/// task of the pool of one thread, which tries a stop for 1 ms: what a refusal costs others.
[[nodiscard]] samples next_after_refusal(int n);

}  // namespace workit::bench
