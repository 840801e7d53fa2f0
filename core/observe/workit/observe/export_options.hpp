// export_options: what exporters have in common: a bounded queue, a thread that empties it, a circuit around the sink.
#pragma once

#include <functional>
#include <workit/compose/circuit_breaker.hpp>

namespace workit {

/// How much waits, and how long a sink that fails is left alone.
struct export_options {
  std::size_t capacity = 1024;                   ///< records that may wait for the sink, 1 to 1,000,000
  std::size_t max_bytes = std::size_t{4} << 20;  ///< bytes of them, their text included; 1 KiB or more
  /// So many records in a row that the sink did not take open the circuit: then records are dropped and counted. 1 or
  /// more; three in a row are no accident.
  std::size_t failure_threshold = 3;
  /// How long it stays open before one record is tried. More than zero; a backend that is down is so for minutes.
  time_span reset_after = std::chrono::minutes(1);
  /// What the circuit goes by; null is the machine's. Outlives the exporter.
  clock_source* clock = nullptr;
  /// Hears each change of the circuit, on the exporter's thread; what it throws is swallowed.
  std::function<void(circuit_state from, circuit_state to)> on_circuit{};
};

/// What became of the records so far.
struct export_counts {
  std::uint64_t exported = 0;     ///< the sink has taken them
  std::uint64_t sampled_out = 0;  ///< sampling did not keep them
  std::uint64_t overflowed = 0;   ///< there was no room, or they came after the exporter's end
  std::uint64_t cleaned_out = 0;  ///< the cleaner refused them, or threw
  std::uint64_t failed = 0;       ///< the sink threw
  std::uint64_t skipped = 0;      ///< the circuit was open
  std::size_t waiting = 0;        ///< in the queue now
  circuit_state circuit = circuit_state::closed;

  /// Those that were meant for the sink and did not get there.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return overflowed + cleaned_out + failed + skipped; }
};

}  // namespace workit
