// event_exporter: sampling, the queue, and the circuit around the sink.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <workit/base/event.hpp>
#include <workit/observe/event_exporter.hpp>

#include "exported.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;
using exported_events = test::exported<recorded_event>;

entries words(const std::vector<recorded_event>& events) {
  entries all;
  for (const auto& e : events) all.push_back(std::string(kind_of(e)) + ' ' + e.name);
  return all;
}

class EventExporter : public test::runtime_test {
 protected:
  /// One scope with a task of each ending.
  static void work(scope& s) {
    const auto takes = [](duration d) { return [d](context& ctx) { ctx.sleep_for(d); }; };
    s.spawn({.name = "quick"}, takes(1s)).get();
    s.spawn({.name = "slow"}, takes(2s)).get();
    s.spawn({.name = "failed", .background = true}, [] { throw std::runtime_error("boom"); }).wait();
    s.spawn({.name = "stopped"}, takes(1h)).cancel("enough");
  }
};

TEST_F(EventExporter, SendsWhatFailedWasCancelledOrTookLongByDefault) {
  exported_events seen;
  manual_runtime rt;
  event_exporter exporter(seen.sink());
  rt.run([&](scope& s) {
    exporter.attach(s).keep();
    work(s);
    s.spawn({.name = "cleans"}, [](context& ctx) {
      ctx.log(log_level::warn, "not this one");
      ctx.log(log_level::error, "but this one");
      ctx.defer([] { throw std::runtime_error("cleanup"); });
      ctx.defer({.timeout = 1s}, [](context& c) { c.sleep_for(1h); });
    });
  });
  exporter.flush();
  auto all = words(seen.all());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (entries{"cleanup_failed cleans", "cleanup_timed_out cleans", "log cleans", "task_cancelled stopped",
                          "task_failed failed", "task_succeeded slow"}));
  EXPECT_EQ(exporter.counts().exported, 6u);
  EXPECT_EQ(exporter.counts().sampled_out, 10u)
      << "three of the scope's own, four beginnings, two quick ends, a line of the log that is no error";
  EXPECT_EQ(exporter.counts().dropped(), 0u);
}

TEST_F(EventExporter, SendsThatAScopeWasStopped) {
  exported_events seen;
  manual_runtime rt;
  event_exporter exporter(seen.sink());
  EXPECT_THROW(rt.run({.name = "page"},
                      [&](scope& s) {
                        exporter.attach(s).keep();
                        s.cancel("enough");
                        s.check();
                      }),
               scope_cancelled);
  exporter.flush();
  ASSERT_EQ(words(seen.all()), entries{"scope_closing page"});
  EXPECT_EQ(describe(seen.all()[0].why.value()), "manual: enough");
}

TEST_F(EventExporter, SendsAllOrNothing) {
  exported_events everything, nothing;
  manual_runtime rt;
  {
    event_exporter all({.sampling = sampling::all()}, everything.sink());
    event_exporter none({.sampling = sampling::off()}, nothing.sink());
    rt.run({.name = "page"}, [&](scope& s) {
      auto heard = all.attach(s);
      EXPECT_TRUE(heard.is_active());
      heard.keep();
      EXPECT_FALSE(none.attach(s).is_active()) << "it does not even listen";
      s.spawn({.name = "part"}, [] {});
    });
    EXPECT_EQ(none.counts().sampled_out, 0u);
  }
  EXPECT_EQ(words(everything.all()), (entries{"scope_opened page", "task_started part", "task_succeeded part",
                                              "scope_closing page", "scope_closed page"}));
  EXPECT_EQ(nothing.offered(), 0);
}

TEST_F(EventExporter, ByHeadSendsAllOfATreeOrNothingOfIt) {
  const auto seed = test::seed();
  constexpr int trees = 400;
  exported_events seen;
  manual_runtime rt;
  event_exporter exporter({.sampling = sampling::head(0.25, seed)}, seen.sink());
  int chosen = 0;
  for (int n = 0; n < trees; ++n)
    rt.run({.name = std::to_string(n)}, [&](scope& s) {
      auto heard = exporter.attach(s);
      chosen += heard.is_active();
      heard.keep();
      s.scope({.name = std::to_string(n)}, [&](scope& below) { below.spawn({.name = std::to_string(n)}, [] {}); });
    });
  exporter.flush();
  std::map<std::string, int> told;
  for (const auto& e : seen.all()) ++told[e.name];
  EXPECT_EQ(told.size(), static_cast<std::size_t>(chosen)) << "seed " << seed;
  for (const auto& [tree, events] : told) EXPECT_EQ(events, 8) << "tree " << tree << " of seed " << seed;
  EXPECT_GT(chosen, trees / 10) << "seed " << seed;
  EXPECT_LT(chosen, trees / 2) << "seed " << seed;
  EXPECT_FALSE(sampling::head(0).chooses(0));
  EXPECT_TRUE(sampling::head(1).chooses(0.999999));
}

TEST_F(EventExporter, HearsAllOfARuntime) {
  exported_events seen;
  {
    event_exporter exporter({.sampling = sampling::all()}, seen.sink());
    manual_runtime rt({.on_event = exporter.handler()});
    rt.run({.name = "page"}, [](scope&) {});
    exporter.flush();
  }
  EXPECT_EQ(words(seen.all()), (entries{"task_started page", "scope_opened page", "scope_closing page",
                                        "scope_closed page", "task_succeeded page"}));
}

TEST_F(EventExporter, CleansEventsBeforeTheyLeave) {
  exported_events seen;
  manual_runtime rt;
  {
    const auto clean = [](recorded_event& e) {
      if (e.name == "private") return false;
      if (e.name == "broken") throw std::runtime_error("a cleaner that fails");
      if (e.message) *e.message = "[text]";
      return true;
    };
    event_exporter exporter({.sampling = sampling::all(), .clean = clean}, seen.sink());
    rt.run([&](scope& s) {
      exporter.attach(s).keep();
      const auto says = [](context& ctx) { ctx.log(log_level::info, "who", {{"user", "ada"}, {"token", "s3cr3t"}}); };
      s.spawn({.name = "open"}, says);
      s.spawn({.name = "private"}, says);
      s.spawn({.name = "broken"}, says);
      s.spawn({.name = "stopped"}, [](context& ctx) {
         ctx.sleep_for(1h);
       }).cancel(reason::manual{.tag = "enough", .data = std::string("s3cr3t")});
    });
    exporter.flush();
    EXPECT_EQ(exporter.counts().cleaned_out, 6u) << "begin, line and end of two tasks";
    EXPECT_EQ(exporter.counts().dropped(), 6u);
  }
  int lines = 0, stopped = 0;
  for (const auto& e : seen.all()) {
    EXPECT_TRUE(e.name != "private" && e.name != "broken");
    if (std::holds_alternative<event::log>(e.body)) {
      ++lines;
      EXPECT_EQ(e.message, "[text]");
      EXPECT_EQ(e.data, (owned_fields{{"user", "ada"}, {"token", "[redacted]"}}));
    }
    if (std::holds_alternative<event::task_cancelled>(e.body)) {
      ++stopped;
      EXPECT_FALSE(std::get<reason::manual>(*e.why).data.has_value()) << "no rule can look into it";
    }
  }
  EXPECT_EQ(lines, 1);
  EXPECT_EQ(stopped, 1);
}

// The sink is held with the first event in its hands, so that all others have to wait.
TEST_F(EventExporter, WhenItIsFullDropsTheOldestAndFailuresLast) {
  exported_events seen;
  event_exporter exporter({.sampling = sampling::all(), .queue = {.capacity = 4}}, seen.sink());
  const auto tell = [handler = exporter.handler()](const char* name, event_body body) {
    handler(lifecycle_event{1, name, {}, std::move(body)});
  };
  seen.hold();
  tell("first", event::task_started{});
  seen.await(1);
  tell("a", event::task_started{});
  tell("failed 1", event::task_failed{});
  tell("b", event::task_started{});
  tell("failed 2", event::task_cancelled{});
  EXPECT_EQ(exporter.counts().waiting, 4u);
  EXPECT_EQ(exporter.counts().overflowed, 0u);
  tell("c", event::task_started{});  // instead of a
  tell("failed 3", event::cleanup_failed{});
  tell("failed 4", event::task_failed{});
  EXPECT_EQ(exporter.counts().overflowed, 3u) << "a, b and c";
  tell("d", event::task_started{});
  EXPECT_EQ(exporter.counts().overflowed, 4u) << "it is worth less than all that wait";
  tell("failed 5", event::task_failed{});
  EXPECT_EQ(exporter.counts().overflowed, 5u) << "the oldest of them";
  EXPECT_EQ(exporter.counts().waiting, 4u);
  seen.let_go();
  exporter.flush();
  entries names;
  for (const auto& e : seen.all()) names.push_back(e.name);
  EXPECT_EQ(names, (entries{"first", "failed 2", "failed 3", "failed 4", "failed 5"}));
}

TEST_F(EventExporter, CountsBytesToo) {
  exported_events seen;
  event_exporter exporter({.sampling = sampling::all(), .queue = {.max_bytes = 4096}}, seen.sink());
  const auto tell = [handler = exporter.handler()](const std::string& said) {
    handler(lifecycle_event{1, "x", {}, event::log{log_level::info, said, {}}});
  };
  seen.hold();
  tell("first");
  seen.await(1);
  tell(std::string(5000, 'x'));
  EXPECT_EQ(exporter.counts().overflowed, 1u) << "it would not fit into an empty queue";
  for (int i = 0; i < 100; ++i) tell(std::string(500, 'x'));
  const auto full = exporter.counts();
  EXPECT_GE(full.waiting, 2u);
  EXPECT_LE(full.waiting, 8u);
  EXPECT_EQ(full.overflowed + full.waiting, 101u);
  seen.let_go();
  exporter.flush();
  EXPECT_EQ(exporter.counts().exported, full.waiting + 1);
}

class ExporterCircuit : public EventExporter {
 protected:
  using states = std::vector<std::pair<circuit_state, circuit_state>>;
  void tell(int events = 1) {
    for (; events > 0; --events) handler_(lifecycle_event{1, "x", {}, event::task_started{}});
    exporter_.flush();
  }
  test::set_clock clock_;
  exported_events seen_;
  states changes_;
  event_exporter exporter_{{.sampling = sampling::all(),
                            .queue = {.clock = &clock_,
                                      .on_circuit =
                                          [this](circuit_state from, circuit_state to) {
                                            changes_.emplace_back(from, to);
                                            throw std::runtime_error("an observer that fails");
                                          }}},
                           seen_.sink()};
  std::function<void(const lifecycle_event&)> handler_ = exporter_.handler();
};

TEST_F(ExporterCircuit, OpensAfterThreeFailuresDropsAndClosesWhenOneGetsThrough) {
  seen_.fails = true;
  tell(2);
  EXPECT_EQ(exporter_.counts().circuit, circuit_state::closed);
  tell();
  EXPECT_EQ(exporter_.counts().circuit, circuit_state::open);
  tell(100);
  EXPECT_EQ(seen_.offered(), 3) << "a backend that is down is left alone";
  EXPECT_EQ(exporter_.counts().failed, 3u);
  EXPECT_EQ(exporter_.counts().skipped, 100u);
  EXPECT_EQ(exporter_.counts().dropped(), 103u);
  seen_.fails = false;
  clock_.advance(1min - 1ns);
  tell();
  EXPECT_EQ(seen_.offered(), 3);
  clock_.advance(1ns);
  tell(2);
  EXPECT_EQ(seen_.offered(), 5);
  EXPECT_EQ(exporter_.counts().exported, 2u);
  using enum circuit_state;
  EXPECT_EQ(changes_, (states{{closed, open}, {open, half_open}, {half_open, closed}}));
}

TEST_F(ExporterCircuit, OpensAgainWhenItsTrialFails) {
  seen_.fails = true;
  tell(3);
  clock_.advance(1min);
  tell(5);
  EXPECT_EQ(seen_.offered(), 4) << "one trial";
  EXPECT_EQ(exporter_.counts().skipped, 4u);
  EXPECT_EQ(exporter_.counts().circuit, circuit_state::open);
  clock_.advance(1min);
  EXPECT_EQ(exporter_.counts().circuit, circuit_state::half_open);
  using enum circuit_state;
  EXPECT_EQ(changes_, (states{{closed, open}, {open, half_open}, {half_open, open}}));
}

TEST_F(ExporterCircuit, CountsFailuresInARowOnly) {
  for (int i = 0; i < 10; ++i) {
    seen_.fails = true;
    tell(2);
    seen_.fails = false;
    tell();
  }
  EXPECT_EQ(exporter_.counts().failed, 20u);
  EXPECT_EQ(exporter_.counts().exported, 10u);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(EventExporter, DrainsWhatItHasOnceItHearsNoMore) {
  exported_events seen;
  manual_runtime rt;
  {
    event_exporter exporter({.sampling = sampling::all()}, seen.sink());
    seen.hold();
    rt.run({.name = "page"}, [&](scope& s) {
      {
        const auto heard = exporter.attach(s);
        s.spawn({.name = "a"}, [] {}).get();
      }
      s.spawn({.name = "b"}, [] {}).get();
    });
    seen.let_go();
  }
  EXPECT_EQ(words(seen.all()), (entries{"scope_opened page", "task_started a", "task_succeeded a"}))
      << "its end waits for what waits";
}

TEST_F(EventExporter, MayGoBeforeTheScopeItListensTo) {
  exported_events seen;
  manual_runtime rt;
  EXPECT_EQ(rt.run([&](scope& s) {
    event_exporter({.sampling = sampling::all()}, seen.sink()).attach(s).keep();
    return s.spawn([] { return 6; }).get();
  }),
            6);
  EXPECT_EQ(seen.offered(), 1) << "what was told until then";
}

// The control arm is the same work without a listener.
TEST_F(EventExporter, ThatNeverReturnsDelaysNoTask) {
  exported_events seen;
  std::optional<event_exporter> exporter;
  exporter.emplace(event_exporter_options{.sampling = sampling::all(), .queue = {.capacity = 8}}, seen.sink());
  seen.hold();
  for (const bool listened : {false, true}) {
    manual_runtime rt;
    const auto took = rt.run([&](scope& s) {
      if (listened) exporter->attach(s).keep();
      const auto start = s.now();
      for (int i = 0; i < 1000; ++i) s.spawn([](context& ctx) { ctx.sleep_for(1ms); });
      s.sleep_for(2ms);
      return s.now() - start;
    });
    EXPECT_EQ(took, 2ms);
  }
  EXPECT_GE(exporter->counts().overflowed, 1900u);
  seen.let_go();
}

TEST(EventExporterDeathTest, RefusesWhatCannotBe) {
  const auto to = [](const recorded_event&) {};
  EXPECT_REFUSED(event_exporter({.queue = {.capacity = 0}}, to), "an event_exporter: capacity is 0; it may be 1 to");
  EXPECT_REFUSED(event_exporter({.queue = {.capacity = 1'000'001}}, to), "capacity is 1000001");
  EXPECT_REFUSED(event_exporter({.queue = {.max_bytes = 1023}}, to), "max_bytes is 1023; it may be 1,024 or more");
  EXPECT_REFUSED(event_exporter({.queue = {.failure_threshold = 0}}, to),
                 "failure_threshold is 0; it may be 1 or more");
  EXPECT_REFUSED(event_exporter({.queue = {.reset_after = 0s}}, to), "reset_after has to be more than zero");
  EXPECT_DEATH(event_exporter(event_exporter::sink{}), "was made without a sink");
  EXPECT_REFUSED(static_cast<void>(sampling::head(1.5)), "the rate is 1.5; it is a probability, 0 to 1");
  EXPECT_REFUSED(static_cast<void>(sampling::head(std::nan(""))), "it is a probability, 0 to 1");
  EXPECT_REFUSED(static_cast<void>(sampling::errors_and_slow(-1s)), "no work takes less than no time");
  EXPECT_REFUSED(static_cast<void>(event_exporter({.sampling = sampling::head(0.5)}, to).handler()),
                 "head chooses among scopes, so attach it to each root");
}

TEST(EventExporterDeathTest, FlushedOnAnIoThreadIsMisuse) {
  EXPECT_DEATH(
      {
        manual_runtime rt;
        event_exporter exporter([](const recorded_event&) {});
        rt.run([&](scope&) { exporter.flush(); });
      },
      "flush from another thread");
}

}  // namespace
}  // namespace workit
