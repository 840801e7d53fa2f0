// One loop for all native peers, so that they are measured alike.
#include "stops.hpp"

#include <stdexcept>

namespace peers {

namespace {

constexpr int warm_up = 20;

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

void run_trivial(const description& peer, const way& how, int n) {
  if (how.trivial_successor(n) != n + 1) throw std::runtime_error(peer.name + ": a trivial task has a wrong result");
}

}  // namespace

void measure_stops(round& to, const description& peer, int memory_mib, const way& how, extent much) {
  std::vector<double> caller_resumed, last_instruction, next_task;
  stamp mark;
  const auto deadline = now() + much.seconds * std::int64_t{1'000'000'000};
  while (static_cast<int>(next_task.size()) < much.samples && now() < deadline) {
    mark.clear();
    how.start(mark);
    mark.wait_until_running();
    const auto requested = now();
    how.stop();
    const auto resumed = now();
    run_trivial(peer, how, 41);
    const auto next = now();
    const auto last = mark.last();
    if (!last) throw std::runtime_error(peer.name + ": a victim still ran 1 s after the request");
    if (*last < requested) continue;
    caller_resumed.push_back(microseconds(resumed - requested));
    last_instruction.push_back(microseconds(*last - requested));
    next_task.push_back(microseconds(next - requested));
  }
  to.add(peer, memory_mib, "caller_resumed", caller_resumed);
  to.add(peer, memory_mib, "last_instruction", last_instruction);
  to.add(peer, memory_mib, "next_task", next_task);
}

void measure_round_trips(round& to, const description& peer, const way& how, extent much) {
  std::vector<double> round_trip;
  for (int i = 0; i < warm_up + 5 * much.samples; ++i) {
    const auto began = now();
    run_trivial(peer, how, i % 100);
    if (i >= warm_up) round_trip.push_back(microseconds(now() - began));
  }
  to.add(peer, 0, "round_trip", round_trip);
}

}  // namespace peers
