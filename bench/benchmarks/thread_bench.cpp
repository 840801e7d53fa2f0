// Stops, deadlines, refusals and calls at the boundaries thread and cooperative, as a scope sees them.
#include <thread>

#include "benchmarks/figures.hpp"
#include "benchmarks/load.hpp"
#include "benchmarks/runner.hpp"
#include "measure/calls.hpp"
#include "measure/floors.hpp"
#include "measure/stops.hpp"
#include "measure/victims.hpp"

namespace workit::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kick_floor = "floor/signal_to_handler";

void add_stop(boundary where, const std::string& victim, const std::string& under, int spinners, sample_counts counts) {
  const std::string at = where == boundary::thread ? "thread" : "cooperative";
  measured("stop/" + at + "/" + victim + "/0MiB/" + under,
           {{"subject", "stop"}, {"boundary", at}, {"victim", victim}, {"memory_mib", "0"}, {"load", under}}, counts,
           [=](sink& to, int n) {
             const load others(spinners);
             const auto took = stops({.where = where, .victim = victim, .n = n});
             to.add("stopped", took.stopped, kick_floor);
             to.add("resumed", took.resumed, kick_floor);
             to.add("next_runs", took.next_runs, kick_floor);
             to.add("next", took.next, kick_floor);
             if (find_victim(victim).spoils) to.add("start", took.start, "floor/futex_wake");
             if (!took.last.empty()) to.add("last_instruction", took.last, kick_floor);
             if (took.refused != 0)
               to.skip(std::to_string(took.refused) + " of " + std::to_string(n) + " were refused");
           });
}

}  // namespace

void add_thread_figures() {
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  for (const auto& v : victims())
    if (v.at_thread) add_stop(boundary::thread, std::string(v.name), "idle", 0, {v.name == "spin" ? 400 : 60, 2000});
  measured("queue/thread", {{"subject", "queue"}, {"boundary", "thread"}}, {200, 1000}, [](sink& to, int n) {
    to.add("next_runs", stops({.where = boundary::thread, .n = n, .spares = false, .queued = true}).next_runs,
           kick_floor);
  });
  measured("queue/computes", {{"subject", "queue"}, {"boundary", "thread"}}, {100, 1000}, [](sink& to, int n) {
    to.add("resumed", stops({.where = boundary::thread, .n = n, .queued = true, .next_computes = 10ms}).resumed,
           kick_floor);
  });
  measured("floor/wake_behind_a_caller", {{"subject", "floor"}}, {100, 1000},
           [](sink& to, int n) { to.add("", wake_behind_a_caller(n)); });
  measured("queue/spare", {{"subject", "queue"}, {"boundary", "thread"}}, {100, 1000}, [](sink& to, int n) {
    const auto took = stops({.where = boundary::thread, .victim = "thread_locals", .n = n, .queued = true});
    to.add("handed_on", took.handed_on, "floor/wake_behind_a_caller");
    to.add("resumed", took.resumed, kick_floor);
  });
  add_stop(boundary::thread, "spin", "1x", cpus, {60, 500});
  add_stop(boundary::thread, "spin", "4x", 4 * cpus, {60, 500});
  add_stop(boundary::cooperative, "spin", "idle", 0, {200, 1000});
  measured("deadline/thread", {{"subject", "deadline"}, {"boundary", "thread"}}, {200, 1000},
           [](sink& to, int n) { to.add("stopped", deadline_lateness(boundary::thread, n)); });
  measured("refused", {{"subject", "refused"}, {"boundary", "thread"}}, {100, 500},
           [](sink& to, int n) { to.add("next", next_after_refusal(n)); });
  measured("floor/futex_round_trip", {{"subject", "floor"}}, {2000, 20000},
           [](sink& to, int n) { to.add("", futex_round_trip(n)); });
  measured("round_trip/thread", {{"subject", "round_trip"}, {"boundary", "thread"}}, {2000, 20000},
           [](sink& to, int n) { to.add("", round_trips(boundary::thread, n), "floor/futex_round_trip"); });
  measured("round_trip/cooperative", {{"subject", "round_trip"}, {"boundary", "cooperative"}}, {2000, 20000},
           [](sink& to, int n) { to.add("", round_trips(boundary::cooperative, n), "floor/futex_round_trip"); });
}

}  // namespace workit::bench
