// Measures the floors first, then each boundary.
#include "measure_all.hpp"

#include <algorithm>
#include <exception>
#include <workit/preempt/stoppable_thread.hpp>

#include "measure/calls.hpp"
#include "measure/stops.hpp"
#include "samples/percentile.hpp"

namespace workit::latency {
namespace {

class measurer {
 public:
  measurer(const std::vector<std::string>& boundaries, const std::function<void(const std::string&)>& say)
      : boundaries_(boundaries), say_(say) {}

  /// A figure of that boundary; one of "" is a floor.
  void take(const std::string& boundary, figure f, const std::function<std::vector<double>()>& measure) {
    if (!boundary.empty() && std::count(boundaries_.begin(), boundaries_.end(), boundary) == 0) return;
    say_(f.what + (boundary.empty() ? "" : ", boundary " + boundary));
    try {
      f.sorted = bench::sorted(measure());
      if (f.sorted.empty()) f.missing = "no sample was taken";
    } catch (const std::exception& e) {
      f.missing = e.what();
    }
    all_.push_back(std::move(f));
  }

  void take_stops(const std::string& boundary, workit::boundary where, const std::string& floor, int n) {
    if (std::count(boundaries_.begin(), boundaries_.end(), boundary) == 0) return;
    bench::stop_samples took;
    take(boundary, {.name = boundary, .what = "asked to stop, to last instruction", .floor = floor, .stop = true}, [&] {
      took = bench::stops({.where = where, .n = n});
      return took.stopped;
    });
    if (took.resumed.empty()) return;
    all_.back().proof = took.proof;
    all_.back().refused = took.refused;
    take(boundary, {.name = "", .what = "  ... to its scope closed", .floor = floor}, [&] { return took.resumed; });
    take(boundary, {.name = "", .what = "  ... to the next task's result", .floor = floor}, [&] { return took.next; });
  }

  std::vector<figure> result() && { return std::move(all_); }

 private:
  const std::vector<std::string>& boundaries_;
  const std::function<void(const std::string&)>& say_;
  std::vector<figure> all_;
};

}  // namespace

std::vector<figure> measure_all(const std::vector<std::string>& boundaries, int stops,
                                const std::function<void(const std::string&)>& say) {
  measurer m(boundaries, say);
  const auto floor = [&](const char* name, const char* what, auto measure) {
    m.take("", {.name = name, .what = what}, measure);
  };
  floor("signal", "floor: signal to its handler", [&] { return bench::signal_to_handler(10 * stops); });
  floor("kill", "floor: SIGKILL to proof", [&] { return bench::kills_to_proof(1, 0, stops); });
  floor("futex", "floor: there and back by futex", [&] { return bench::futex_round_trip(10 * stops); });
  m.take_stops("process", boundary::process, "kill", stops);
  if (const auto& why = preempt::why_unsupported(); why.empty())
    m.take_stops("thread", boundary::thread, "signal", stops);
  else
    m.take("thread", {.name = "thread", .what = "asked to stop, to last instruction", .missing = why, .stop = true},
           [&]() -> std::vector<double> { throw std::runtime_error(why); });
  m.take_stops("cooperative", boundary::cooperative, "signal", stops);
  const auto lateness = [&](const char* name, boundary where) {
    m.take(name, {.name = "", .what = std::string("deadline to last instr., ") + name},
           [=] { return bench::deadline_lateness(where, stops); });
  };
  lateness("process", boundary::process);
  if (preempt::why_unsupported().empty()) lateness("thread", boundary::thread);
  const auto round_trip = [&](const char* name, boundary where) {
    m.take(name, {.name = "", .what = std::string("empty call and back, ") + name, .floor = "futex"},
           [=] { return bench::round_trips(where, 10 * stops); });
  };
  round_trip("process", boundary::process);
  if (preempt::why_unsupported().empty()) round_trip("thread", boundary::thread);
  round_trip("cooperative", boundary::cooperative);
  return std::move(m).result();
}

}  // namespace workit::latency
