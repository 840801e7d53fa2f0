// Stops at the process boundary by victim, memory and load, each beside a bare SIGKILL to a process like it.
#include <unistd.h>

#include <thread>

#include "benchmarks/figures.hpp"
#include "benchmarks/load.hpp"
#include "benchmarks/runner.hpp"
#include "measure/calls.hpp"
#include "measure/stops.hpp"
#include "measure/victims.hpp"

namespace workit::bench {
namespace {

using tag_map = std::map<std::string, std::string>;

struct conditions {
  std::string load = "idle";
  int spinners = 0;
};

std::vector<conditions> loads() {
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  return {{}, {"1x", cpus}, {"4x", 4 * cpus}, {"16spinners", 16}};
}

std::string size_name(int mib) { return std::to_string(mib) + "MiB"; }

/// Whether that many MiB are to be had, with as much again for everybody else.
void require_memory(long mib) {
  const auto available = sysconf(_SC_AVPHYS_PAGES) / 256;
  if (available < 2 * mib)
    throw std::runtime_error("needs " + std::to_string(2 * mib) + " MiB of free memory, and there are " +
                             std::to_string(available));
}

void add_floors(int mib, const conditions& under, sample_counts counts) {
  const auto where = size_name(mib) + "/" + under.load;
  const auto tags = tag_map{{"subject", "floor"}, {"memory_mib", std::to_string(mib)}, {"load", under.load}};
  measured("floor/kill_to_proof/" + where, tags, counts, [=](sink& to, int n) {
    require_memory(mib);
    const load others(under.spinners);
    to.add("", kills_to_proof(1, mib, n));
  });
  measured("floor/kill_to_reaped/" + where, tags, counts, [=](sink& to, int n) {
    require_memory(mib);
    const load others(under.spinners);
    to.add("", kill_to_reaped(mib, n));
  });
}

void add_stop(const std::string& victim, int mib, const conditions& under, sample_counts counts) {
  const auto tags = tag_map{{"subject", "stop"},
                            {"boundary", "process"},
                            {"victim", victim},
                            {"memory_mib", std::to_string(mib)},
                            {"load", under.load}};
  measured("stop/process/" + victim + "/" + size_name(mib) + "/" + under.load, tags, counts, [=](sink& to, int n) {
    require_memory(mib);
    const load others(under.spinners);
    const auto took = stops({.victim = victim, .memory_mib = mib, .n = n});
    const auto floor = "floor/kill_to_proof/" + size_name(mib) + "/" + under.load;
    to.add("stopped", took.stopped, floor);
    to.add("resumed", took.resumed, floor);
    to.add("start", took.start, "floor/futex_wake");
    to.add("next_runs", took.next_runs, floor);
    to.add("next", took.next, floor);
    to.add("reclaimed", took.reclaimed, "floor/kill_to_reaped/" + size_name(mib) + "/" + under.load);
    if (!took.last.empty()) to.add("last_instruction", took.last, floor);
  });
}

void add_eight_at_once(int mib) {
  const auto floor = "floor/kills_to_wake/8/" + size_name(mib);
  measured(floor, {{"subject", "floor"}, {"memory_mib", std::to_string(mib)}}, {mib == 0 ? 8 : 2, 60},
           [=](sink& to, int n) {
             require_memory(8L * mib);
             to.add("", kills_to_wake(8, mib, n));
           });
  const auto tags = tag_map{{"subject", "stop8"}, {"boundary", "process"}, {"memory_mib", std::to_string(mib)}};
  measured("stop8/process/" + size_name(mib), tags, {8, 60}, [=](sink& to, int n) {
    require_memory(8L * mib);
    const auto took = stops({.memory_mib = mib, .victims = 8, .n = n});
    to.add("stopped", took.stopped, "floor/kills_to_proof/8");
    to.add("resumed", took.resumed, floor);
  });
}

void add_pool_costs() {
  measured("pool/first_result", {{"subject", "pool"}}, {20, 200},
           [](sink& to, int n) { to.add("", first_results(n)); });
  measured("pool/stop_without_spare", {{"subject", "pool"}}, {30, 300},
           [](sink& to, int n) { to.add("next", stops({.n = n, .spares = false}).next, "floor/futex_wake"); });
}

}  // namespace

void add_process_stops() {
  measured("floor/futex_wake", {{"subject", "floor"}}, {300, 3000},
           [](sink& to, int n) { to.add("", futex_wake_to_run(n)); });
  measured("floor/kills_to_proof/8", {{"subject", "floor"}}, {30, 200},
           [](sink& to, int n) { to.add("", kills_to_proof(8, 0, n)); });
  for (const auto& under : loads()) {
    add_floors(0, under, {60, 300});
    add_stop("spin", 0, under, {under.spinners == 0 ? 100 : 30, 300});
  }
  // What victims of much memory are compared with: they have run for a while before they are stopped, too.
  measured("stop/process/spin/0MiB/settled", {{"subject", "stop"}, {"boundary", "process"}, {"load", "settled"}},
           {40, 200}, [](sink& to, int n) {
             to.add("stopped", stops({.n = n, .head_start = std::chrono::milliseconds(200)}).stopped,
                    "floor/kill_to_proof/0MiB/idle");
           });
  for (const int mib : {64, 1024}) {
    const sample_counts counts{mib == 64 ? 30 : 12, 200};
    add_floors(mib, {}, counts);
    add_stop("spin", mib, {}, counts);
  }
  for (const auto& v : victims())
    if (v.name != "spin") add_stop(std::string(v.name), 0, {}, {15, 200});
  measured("floor/kills_to_wake/1/1024MiB", {{"subject", "floor"}, {"memory_mib", "1024"}}, {12, 200},
           [](sink& to, int n) {
             require_memory(1024);
             to.add("", kills_to_wake(1, 1024, n));
           });
  add_eight_at_once(0);
  add_eight_at_once(1024);
  add_pool_costs();
  measured("deadline/process", {{"subject", "deadline"}, {"boundary", "process"}}, {100, 1000},
           [](sink& to, int n) { to.add("stopped", deadline_lateness(boundary::process, n)); });
}

}  // namespace workit::bench
