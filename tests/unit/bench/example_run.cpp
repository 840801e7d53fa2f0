// The synthetic run: one line a series.
#include "example_run.hpp"

#include <report/targets.hpp>

namespace workit::bench_report::test {
namespace {

struct line {
  const char* name;
  unit in;
  double median;
  double spread;
  const char* floor;
};

constexpr auto us = unit::microseconds, ns = unit::nanoseconds;
constexpr line lines[] = {
    {"floor/kill_to_proof/{0,64,1024}MiB/idle", us, 15, 0.3, nullptr},
    {"floor/kill_to_reaped/0MiB/idle", us, 95, 0.3, nullptr},
    {"floor/kill_to_reaped/64MiB/idle", us, 3100, 0.2, nullptr},
    {"floor/kill_to_reaped/1024MiB/idle", us, 47000, 0.1, nullptr},
    {"floor/signal_to_handler", us, 22, 0.35, nullptr},
    {"floor/futex_wake", us, 11, 0.3, nullptr},
    {"floor/futex_round_trip", us, 13, 0.3, nullptr},
    {"floor/memcpy/64MiB", us, 9800, 0.1, nullptr},
    {"floor/boost_fiber/spawn_join/1", ns, 240, 0.1, nullptr},
    {"floor/boost_fiber/spawn_join/1000", us, 260, 0.1, nullptr},
    {"floor/boost_fiber/wake_10000_throw", us, 9000, 0.1, nullptr},
    {"floor/boost_fiber/buffered_channel/64", ns, 31, 0.1, nullptr},
    {"floor/asio_callback/socket_pair", us, 6.1, 0.1, nullptr},
    {"stop/process/spin/0MiB/idle/stopped", us, 17, 0.35, "floor/kill_to_proof/0MiB/idle"},
    {"stop/process/spin/64MiB/idle/stopped", us, 17.5, 0.35, "floor/kill_to_proof/64MiB/idle"},
    {"stop/process/spin/1024MiB/idle/stopped", us, 21, 0.35, "floor/kill_to_proof/1024MiB/idle"},
    {"stop/process/spin/0MiB/idle/resumed", us, 60, 0.4, "floor/kill_to_proof/0MiB/idle"},
    {"stop/process/spin/1024MiB/idle/resumed", us, 66, 0.4, "floor/kill_to_proof/1024MiB/idle"},
    {"stop/process/spin/0MiB/idle/start", us, 9, 0.4, "floor/futex_wake"},
    {"stop/process/spin/0MiB/idle/next", us, 84, 0.4, "floor/kill_to_proof/0MiB/idle"},
    {"stop/process/spin/0MiB/idle/reclaimed", us, 2400, 0.2, "floor/kill_to_reaped/0MiB/idle"},
    {"stop/process/spin/1024MiB/idle/reclaimed", us, 58000, 0.1, "floor/kill_to_reaped/1024MiB/idle"},
    {"stop/process/spin/0MiB/16spinners/stopped", us, 40, 0.6, nullptr},
    {"stop8/process/1024MiB/resumed", us, 230, 0.4, nullptr},
    {"deadline/process/stopped", us, 70, 0.5, nullptr},
    {"stop/thread/spin/0MiB/idle/kicked", us, 9, 0.3, nullptr},
    {"stop/thread/spin/0MiB/idle/stopped", us, 44, 0.4, "floor/signal_to_handler"},
    {"stop/thread/spin/0MiB/idle/resumed", us, 58, 0.4, nullptr},
    {"stop/thread/spin/0MiB/idle/next_runs", us, 49, 0.4, nullptr},
    {"stop/thread/spin/0MiB/idle/next", us, 49, 0.4, nullptr},
    {"stop/thread/spin/0MiB/idle/reclaimed", us, 58, 0.4, nullptr},
    {"kick/{spin,mathematics,copy,sort}/stopped", us, 26, 0.3, "floor/signal_to_handler"},
    {"kick/{allocate,lock,throw}/stopped", us, 4, 0.6, nullptr},
    {"kick/{spin,mathematics,copy,sort}/next", us, 2.2, 0.2, nullptr},
    {"kick/{allocate,lock,throw}/next", us, 28, 0.4, nullptr},
    {"refused/next", us, 540, 0.9, nullptr},
    {"round_trip/process/8B", us, 20, 0.3, "floor/futex_round_trip"},
    {"round_trip/process/shared/64MiB", us, 41, 0.3, "floor/memcpy/64MiB"},
    {"floor/two_copies/{1MiB,16MiB,64MiB,256MiB}", us, 9000, 0.1, nullptr},
    {"value/process/{argument,result}/1MiB", us, 10000, 0.1, "floor/two_copies/1MiB"},
    {"value/process/{argument,result}/16MiB", us, 10000, 0.1, "floor/two_copies/16MiB"},
    {"value/process/{argument,result}/64MiB", us, 10000, 0.1, "floor/two_copies/64MiB"},
    {"value/process/{argument,result}/256MiB", us, 10000, 0.1, "floor/two_copies/256MiB"},
    {"core/spawn_join/1", ns, 300, 0.1, "floor/boost_fiber/spawn_join/1"},
    {"core/spawn_join/1000", us, 310, 0.1, "floor/boost_fiber/spawn_join/1000"},
    {"core/cancel_10000/returned", us, 420, 0.2, nullptr},
    {"core/cancel_10000/settled", us, 11000, 0.1, "floor/boost_fiber/wake_10000_throw"},
    {"core/check", ns, 1.1, 0.05, nullptr},
    {"channel/64", ns, 24, 0.1, "floor/boost_fiber/buffered_channel/64"},
    {"use_fiber/socket_pair", us, 6.6, 0.1, "floor/asio_callback/socket_pair"},
    {"cost/malloc_free/bare", ns, 13, 0.05, nullptr},
    {"cost/malloc_free/interposed", ns, 19.5, 0.05, nullptr},
    {"cost/lock_unlock/bare", ns, 9, 0.05, nullptr},
};

struct peer_line {
  const char* name;
  const char* stops;
  double last, resumed, next;  // us
};

constexpr peer_line peer_lines[] = {
    {"multiprocessing", "native", 310, 1450, 21000},
    {"pebble", "native", 103000, 108000, 131000},
    {"anyio", "native", 700, 2900, 64000},
    {"pthread_cancel", "nothing", 900000, 40, 120},
    {"piscina", "javascript", 900, 300, 31000},
    {"Worker.terminate", "javascript", 700, 1200, 29000},
    {"erlang", "bytecode", 30, 60, 75},
    {"jthread", "nothing", 950000, 950000, 950000},
};

}  // namespace

run example_run(std::uint64_t seed) {
  synthetic make(seed);
  run r;
  for (int i = 0; i < 5; ++i) r.machines.push_back(a_machine());
  for (const line& l : lines)
    for (const auto& name : expand(l.name)) {
      std::optional<std::string> floor;
      if (l.floor != nullptr) floor = l.floor;
      r.series.push_back(make.make(name, {.median = l.median, .spread = l.spread}, 0.03, floor, l.in));
    }
  r.series.push_back({"core/queued_task_bytes", unit::bytes, {}, {}, {{192}, {192}, {192}, {192}, {192}}});
  for (const peer_line& p : peer_lines)
    for (const auto& [event, median] :
         {std::pair{"last_instruction", p.last}, {"caller_resumed", p.resumed}, {"next_task", p.next}}) {
      auto s = make.make("peer/" + std::string(p.name) + "/" + event, {.median = median, .samples = 40});
      s.tags = {{"subject", "peer"}, {"peer", p.name}, {"event", event}, {"stops", p.stops}, {"memory_mib", "0"}};
      r.series.push_back(std::move(s));
    }
  r.skipped.push_back({"peer/tinypool", "tinypool is not installed; ./dev bench --peers installs it"});
  return r;
}

}  // namespace workit::bench_report::test
