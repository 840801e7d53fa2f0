// The table of targets. A new target is a line here; {a,b} in its series makes one for each, named where its title has
// {}, and beside its like where the other series has as many.
#include "targets.hpp"

#include <algorithm>

namespace workit::bench_report {
namespace {

bound at_most_times(double limit, std::string series) { return {bound::kind::times, limit, {}, std::move(series)}; }
bound at_most_ms(double limit) { return {bound::kind::within, limit * 1000, unit::microseconds, {}}; }
bound at_most_us(double limit) { return {bound::kind::within, limit, unit::microseconds, {}}; }
bound at_most_ns(double limit) { return {bound::kind::within, limit, unit::nanoseconds, {}}; }
bound at_most_bytes(double limit) { return {bound::kind::within, limit, unit::bytes, {}}; }
bound at_most_ns_more(double limit, std::string series) {
  return {bound::kind::plus, limit, unit::nanoseconds, std::move(series)};
}
bound less_than(std::string series) { return {bound::kind::below, 1, {}, std::move(series)}; }
bound peers_take_times(double limit) { return {bound::kind::peers, limit, {}, {}}; }
bound slope_at_most_times(double limit, std::string group) { return {bound::kind::slope, limit, {}, std::move(group)}; }

std::vector<target> table() {
  using enum statistic;
  const std::string tiny = "stop/process/spin/0MiB/idle/", large = "stop/process/spin/1024MiB/idle/",
                    settled = "stop/process/spin/0MiB/settled/stopped";
  return {
      // The process boundary.
      {"process: proven stopped, by bare SIGKILL", tiny + "stopped", p50,
       at_most_times(3, "floor/kill_to_proof/0MiB/idle")},
      {"process: scope resumed", tiny + "resumed", p99, at_most_ms(5)},
      {"process: deadline to proven stopped", "deadline/process/stopped", p99, at_most_ms(5)},
      {"process: 1 GiB victim, by a tiny one", large + "stopped", p50, at_most_times(1.5, settled)},
      {"process: 1 GiB victim, by a tiny one", large + "stopped", p99, at_most_times(1.5, settled)},
      {"process: growth per GiB, by kill and reap", "stop/process/spin/{0,64,1024}MiB/idle/stopped", p50,
       slope_at_most_times(0.10, "floor/kill_to_reaped/{0,64,1024}MiB/idle")},
      {"process: 8 victims of 1 GiB, by one", "stop8/process/1024MiB/resumed", p50,
       at_most_times(5, large + "resumed")},
      {"process: beside 16 spinning, by idle", "stop/process/spin/0MiB/16spinners/stopped", p50,
       at_most_times(3, tiny + "stopped")},
      {"process: next task starts, by a futex wake", tiny + "start", p50, at_most_times(2, "floor/futex_wake")},
      {"process: round trip, by a futex's", "round_trip/process/8B", p50, at_most_times(2, "floor/futex_round_trip")},
      {"process: 64 MiB shared, by one copy", "round_trip/process/shared/64MiB", p50,
       at_most_times(1, "floor/memcpy/64MiB")},
      {"process: an argument of {}, by two copies", "value/process/argument/{1MiB,16MiB,64MiB,256MiB}", p50,
       at_most_times(1.5, "floor/two_copies/{1MiB,16MiB,64MiB,256MiB}")},
      {"process: a result of {}, by two copies", "value/process/result/{1MiB,16MiB,64MiB,256MiB}", p50,
       at_most_times(1.5, "floor/two_copies/{1MiB,16MiB,64MiB,256MiB}")},
      {"process: resumed, against {}", tiny + "resumed", p50, peers_take_times(10)},
      // The thread boundary.
      {"thread: {} stopped, by a signal", "kick/{spin,mathematics,copy,sort}/stopped", p50,
       at_most_times(1.5, "floor/signal_to_handler")},
      {"thread: {} stopped, by a signal", "kick/{spin,mathematics,copy,sort}/stopped", p99,
       at_most_times(4, "floor/signal_to_handler")},
      {"thread: {} stopped", "kick/{allocate,lock,throw}/stopped", p50, at_most_us(5)},
      {"thread: next task after {}", "kick/{spin,mathematics,copy,sort,allocate,lock,throw}/next", p50, at_most_us(3)},
      {"thread: next task starts on a spare, by a futex wake", "queue/spare/handed_on", p50,
       at_most_times(2, "floor/futex_wake")},
      {"thread: scope resumed, a next task computes", "queue/computes/resumed", p99, at_most_ms(1)},
      {"thread: a refusal to the next task", "refused/next", p50, at_most_ms(2)},
      {"thread: a refusal to the next task", "refused/next", p99, at_most_ms(2)},
      {"thread: next task in the queue runs, by Erlang's next", "queue/thread/next_runs", p50,
       less_than("peer/erlang/next_task")},
      {"thread: a task offered after that runs, by Erlang's next", "stop/thread/spin/0MiB/idle/next_runs", p50,
       less_than("peer/erlang/next_task")},
      {"thread: malloc and free, over bare", "cost/malloc_free/interposed", p50,
       at_most_ns_more(2.5, "cost/malloc_free/bare")},
      {"thread: lock and unlock, over bare", "cost/lock_unlock/interposed", p50,
       at_most_ns_more(2.5, "cost/lock_unlock/bare")},
      {"thread: std::regex with interposed calls", "cost/regex/interposed", p50,
       at_most_times(1.01, "cost/regex/bare")},
      {"thread: a JSON parse with interposed calls", "cost/json/interposed", p50,
       at_most_times(1.01, "cost/json/bare")},
      {"thread: the encoder with interposed calls", "cost/encoder/interposed", p50,
       at_most_times(1.01, "cost/encoder/bare")},
      // The core.
      {"core: spawn and join 1, by Boost.Fiber", "core/spawn_join/1", p50,
       at_most_times(1.5, "floor/boost_fiber/spawn_join/1")},
      {"core: spawn and join 1000, by Boost.Fiber", "core/spawn_join/1000", p50,
       at_most_times(1.5, "floor/boost_fiber/spawn_join/1000")},
      {"core: cancel of 10000 tasks returns", "core/cancel_10000/returned", p50, at_most_ms(1)},
      {"core: 10000 settled, by Boost.Fiber", "core/cancel_10000/settled", p50,
       at_most_times(1.5, "floor/boost_fiber/wake_10000_throw")},
      {"core: a queued task's memory", "core/queued_task_bytes", p50, at_most_bytes(256)},
      {"core: a check for cancellation", "core/check", p50, at_most_ns(1.5)},
      {"core: channel, by Boost.Fiber's", "channel/64", p50, at_most_times(1, "floor/boost_fiber/buffered_channel/64")},
      {"core: use_fiber, by an Asio callback", "use_fiber/socket_pair", p50,
       at_most_times(1.15, "floor/asio_callback/socket_pair")},
  };
}

/// What stands between the braces, or all of a pattern without them.
std::vector<std::string_view> alternatives(std::string_view pattern) {
  const auto open = pattern.find('{'), close = pattern.find('}');
  if (open == std::string_view::npos) return {pattern};
  std::vector<std::string_view> found;
  for (auto begin = open + 1; begin <= close;) {
    const auto end = std::min(pattern.find(',', begin), close);
    found.push_back(pattern.substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

}  // namespace

std::vector<std::string> expand(std::string_view pattern) {
  const auto open = pattern.find('{'), close = pattern.find('}');
  if (open == std::string_view::npos) return {std::string(pattern)};
  std::vector<std::string> all;
  for (const auto one : alternatives(pattern))
    all.push_back(std::string(pattern.substr(0, open)).append(one).append(pattern.substr(close + 1)));
  return all;
}

std::vector<target> all_targets() {
  std::vector<target> all;
  for (target& t : table()) {
    if (t.bound.is == bound::kind::slope || t.series.find('{') == std::string::npos) {
      all.push_back(std::move(t));
      continue;
    }
    const auto names = alternatives(t.series);
    const auto series = expand(t.series), against = expand(t.bound.series);
    for (std::size_t i = 0; i < series.size(); ++i) {
      target one = t;
      one.series = series[i];
      if (against.size() == series.size()) one.bound.series = against[i];
      if (const auto gap = one.title.find("{}"); gap != std::string::npos) one.title.replace(gap, 2, names[i]);
      all.push_back(std::move(one));
    }
  }
  return all;
}

}  // namespace workit::bench_report
