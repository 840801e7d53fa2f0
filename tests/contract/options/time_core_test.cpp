// Every option of core that takes a time, with the longest and the shortest there are: a call that has "for ever"
// works.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <workit/agent/agent.hpp>
#include <workit/base/event.hpp>
#include <workit/compose.hpp>
#include <workit/observe/event_exporter.hpp>
#include <workit/scope/lazy_resource.hpp>
#include <workit/status/diagnose.hpp>
#include <workit/status/print_tree_on.hpp>
#include <workit/work.hpp>

#include "every_time.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

int work(context& ctx) {
  ctx.sleep_for(100us);
  return 42;
}
void wait_for_ever(context& ctx) { ctx.sleep_for(24h); }

/// How many events of one kind there were.
template <class E>
struct counted {
  std::atomic<int> seen{0};
  auto handler() {
    return [this](const lifecycle_event& e) { seen += std::holds_alternative<E>(e.body) ? 1 : 0; };
  }
};

class EveryTime : public runtime_test {};

TEST_F(EveryTime, OfAScope) {
  runtime rt;
  time_option(
      "scope.hpp: deadline", [&](auto t) { EXPECT_EQ(rt.run({.deadline = t}, work), 42); },
      [&](auto t) { EXPECT_THROW(rt.run({.deadline = t}, work), timed_out); });
  time_option(
      "scope.hpp: cleanup_timeout",
      [&](auto t) {
        counted<event::cleanup_timed_out> late;
        rt.run([&](scope& s) {
          s.on_event(late.handler()).keep();
          s.scope({.cleanup_timeout = t}, [](scope& inner) { inner.defer([](context& c) { c.sleep_for(100us); }); });
        });
        EXPECT_EQ(late.seen, 0);
      },
      [&](auto t) { EXPECT_REFUSED(rt.run({.cleanup_timeout = t}, work), "more than zero"); });
  const auto tightened = [&](auto to) {
    return rt.run([&](scope& s) {
      s.tighten_deadline(to);
      return work(s);
    });
  };
  time_option(
      "scope.hpp: after", [&](auto t) { EXPECT_EQ(tightened(t), 42); },
      [&](auto t) { EXPECT_THROW(tightened(t), timed_out); });
  instant_option(
      "scope.hpp: at", [&](auto at) { EXPECT_EQ(tightened(at), 42); },
      [&](auto at) { EXPECT_THROW(tightened(at), timed_out); });
  instant_option(
      "scope.hpp: deadline_at", [&](auto at) { EXPECT_EQ(rt.run({.deadline_at = at}, work), 42); },
      [&](auto at) { EXPECT_THROW(rt.run({.deadline_at = at}, work), timed_out); });
}

TEST_F(EveryTime, OfAContext) {
  runtime rt;
  const auto sleeps_on = [&](auto sleep) {
    EXPECT_THROW(rt.run({.deadline = 2ms}, sleep), timed_out) << "it came back";
  };
  time_option(
      "context.hpp: d", [&](auto t) { sleeps_on([t](context& ctx) { ctx.sleep_for(t); }); },
      [&](auto t) { rt.run([t](context& ctx) { ctx.sleep_for(t); }); });
  instant_option(
      "context.hpp: at", [&](auto at) { sleeps_on([at](context& ctx) { ctx.sleep_until(at); }); },
      [&](auto at) { rt.run([at](context& ctx) { ctx.sleep_until(at); }); });
  time_option(
      "context.hpp: timeout",
      [&](auto t) {
        bool cleaned = false;
        rt.run([&](scope& s) {
          s.defer({.timeout = t}, [&](context& c) {
            c.sleep_for(100us);
            cleaned = true;
          });
        });
        EXPECT_TRUE(cleaned);
      },
      [&](auto t) { EXPECT_REFUSED(rt.run([&](scope& s) { s.defer({.timeout = t}, [] {}); }), "more than zero"); });
  const auto acquire = [&](auto t) {
    bool released = false;
    rt.run([&](scope& s) {
      const lazy_resource value(
          s, {.timeout = t}, [] { return 7; },
          [&](context& c, int&) {
            c.sleep_for(100us);
            released = true;
          });
      EXPECT_EQ(value.get(), 7);
    });
    EXPECT_TRUE(released);
  };
  time_option("resource.hpp: timeout", acquire, [&](auto t) { EXPECT_REFUSED(acquire(t), "more than zero"); });
}

TEST_F(EveryTime, OfARuntime) {
  time_option(
      "runtime.hpp: cleanup_timeout",
      [](auto t) {
        bool cleaned = false;
        runtime rt({.cleanup_timeout = t});
        rt.run([&](scope& s) {
          s.defer([&](context& c) {
            c.sleep_for(100us);
            cleaned = true;
          });
        });
        EXPECT_TRUE(cleaned);
      },
      [](auto t) { EXPECT_REFUSED(runtime({.cleanup_timeout = t}), "more than zero"); });
  time_option(
      "runtime.hpp: stall_after",
      [](auto t) {
        std::atomic<int> stalls{0};
        {
          runtime rt({.stall_after = t, .on_stall = [&](const stall_report&) { ++stalls; }});
          EXPECT_EQ(rt.run(work), 42);
        }
        EXPECT_EQ(stalls, 0);
      },
      [](auto t) {
        EXPECT_REFUSED(runtime({.stall_after = t}), "runtime_options.stall_after has to be 1 ms at least");
      });
  EXPECT_REFUSED(runtime({.io_threads = 0, .stall_after = 1s}), "stall_after watches I/O threads, but io_threads is 0");
  const auto shut_down = [](auto t) {
    runtime rt;
    auto root = rt.spawn({}, [](context& ctx) { ctx.sleep_for(2ms); });
    rt.shutdown(t);
    return root.status();
  };
  time_option(
      "runtime.hpp: grace", [&](auto t) { EXPECT_EQ(shut_down(t), task_status::succeeded); },
      [&](auto t) { EXPECT_EQ(shut_down(t), task_status::cancelled); });
  const auto drain = [](auto t) {
    runtime rt;
    auto left = detached(rt, [](context& ctx) { ctx.sleep_for(5ms); });
    return rt.detached().drain(t);
  };
  time_option(
      "detached_tasks.hpp: grace", [&](auto t) { EXPECT_TRUE(drain(t)); }, [&](auto t) { EXPECT_FALSE(drain(t)); });
}

TEST_F(EveryTime, OfWhatIsComposed) {
  runtime rt;
  const auto refused = [&](auto make) { EXPECT_REFUSED(make(), "zero|negative"); };
  time_option(
      "timeout.hpp: limit",
      [&](auto t) {
        EXPECT_EQ(rt.run(timeout(t, work)), 42);
        EXPECT_EQ(rt.run(timeout({.limit = t}, work)), 42);
      },
      [&](auto t) { EXPECT_THROW(rt.run(timeout(t, work)), timed_out); });
  counted<event::loser_unresponsive> complaints;
  const auto listening = [&](auto f) {
    return rt.run([&](scope& s) {
      s.on_event(complaints.handler()).keep();
      return f(s);
    });
  };
  const auto slow_to_go = [](context& ctx) {
    ctx.defer([](context& c) { c.sleep_for(1ms); });
    wait_for_ever(ctx);
    return 0;
  };
  time_option(
      "timeout.hpp: grace",
      [&](auto t) { EXPECT_THROW(listening(timeout({.limit = 1ms, .grace = t}, slow_to_go)), timed_out); },
      [&](auto t) { EXPECT_REFUSED((void)timeout({.grace = t}, work), "the grace has to be more than zero"); });
  time_option(
      "options.hpp: grace",
      [&](auto t) { EXPECT_EQ(listening(race(compose_options{.grace = t}, work, slow_to_go)), 42); },
      [&](auto t) { refused([t] { return all(compose_options{.grace = t}, work); }); });
  time_option(
      "hedge.hpp: grace",
      [&](auto t) {
        int started = 0;
        EXPECT_EQ(listening(hedge({.after = 100us, .grace = t},
                                  [&](context& ctx) { return ++started == 1 ? slow_to_go(ctx) : work(ctx); })),
                  42);
      },
      [&](auto t) {
        EXPECT_REFUSED((void)hedge({.after = 1ms, .grace = t}, work),
                       "the grace of its losers has to be more than zero");
      });
  EXPECT_EQ(complaints.seen, 0) << "none of the graces has an end";
  time_option(
      "hedge.hpp: after",
      [&](auto t) {
        std::atomic<int> started{0};
        EXPECT_EQ(rt.run(hedge({.after = t},
                               [&](context& ctx) {
                                 ++started;
                                 return work(ctx);
                               })),
                  42);
        EXPECT_EQ(started, 1);
      },
      [&](auto t) { refused([t] { return hedge({.after = t}, work); }); });
  time_option(
      "uncancellable.hpp: limit", [&](auto t) { EXPECT_EQ(rt.run(uncancellable(t, work)), 42); },
      [&](auto t) { EXPECT_THROW(rt.run(uncancellable(t, work)), timed_out); });
  instant_option(
      "deadline_at.hpp: at", [&](auto at) { EXPECT_EQ(rt.run(deadline_at(at, work)), 42); },
      [&](auto at) { EXPECT_THROW(rt.run(deadline_at(at, work)), timed_out); });
  time_option(
      "detached.hpp: max_lifetime", [&](auto t) { EXPECT_EQ(detached(rt, {.max_lifetime = t}, work).get(), 42); },
      [&](auto t) { EXPECT_THROW(detached(rt, {.max_lifetime = t}, work).get(), timed_out); });
}

/// Fails the first time.
auto second_time_lucky() {
  return [n = 0](context& ctx) mutable {
    if (n++ == 0) throw std::runtime_error("not yet");
    return work(ctx);
  };
}

TEST_F(EveryTime, OfWhatIsRepeated) {
  runtime rt;
  const auto refused = [&](auto make) { EXPECT_REFUSED(make(), "zero|negative"); };
  /// It waits: only a deadline ends that.
  const auto waits = [&](auto f) { EXPECT_THROW(rt.run({.deadline = 2ms}, std::move(f)), timed_out) << "no delay"; };
  time_option(
      "retry.hpp: initial_delay",
      [&](auto t) {
        EXPECT_EQ(rt.run(retry({.initial_delay = t, .max_delay = 100us}, second_time_lucky())), 42);
        for (const bool jitter : {true, false})
          for (const auto shape : {backoff::fixed, backoff::linear, backoff::exponential})
            waits(retry({.backoff = shape, .initial_delay = t, .max_delay = t, .jitter = jitter}, second_time_lucky()));
      },
      [&](auto t) { refused([t] { return retry({.initial_delay = t}, work); }); });
  time_option(
      "retry.hpp: max_delay",
      [&](auto t) { EXPECT_EQ(rt.run(retry({.initial_delay = 1us, .max_delay = t}, second_time_lucky())), 42); },
      [&](auto t) { refused([t] { return retry({.max_delay = t}, work); }); });
  const auto backed_off = [](auto t, duration most) {
    return retry({.backoff = [t](std::size_t) { return t; }, .max_delay = most, .jitter = false}, second_time_lucky());
  };
  time_option(
      "backoff.hpp: the function",
      [&](auto t) {
        EXPECT_EQ(rt.run(backed_off(t, 100us)), 42);
        waits(backed_off(t, duration::max()));
      },
      [&](auto t) { EXPECT_REFUSED(rt.run(backed_off(t, 1s)), "negative"); });
  time_option(
      "backoff.hpp: initial", [](auto t) { EXPECT_EQ(backoff(backoff::linear).delay(9, t, 1s), 1s); },
      [](auto t) { EXPECT_LT(backoff(backoff::linear).delay(9, t, 1s), 0s) << "retry() refuses it"; });
  time_option(
      "backoff.hpp: most", [](auto t) { EXPECT_EQ(backoff(backoff::linear).delay(9, 1s, t), 9s); },
      [](auto t) { EXPECT_LT(backoff(backoff::linear).delay(9, 1s, t), 0s) << "retry() refuses it"; });
  time_option(
      "supervise.hpp: window",
      [&](auto t) {
        int runs = 0;
        EXPECT_THROW(rt.run(supervise({.max_restarts = 2, .window = t, .initial_delay = 1us},
                                      [&] {
                                        ++runs;
                                        throw std::runtime_error("again");
                                      })),
                     std::runtime_error);
        EXPECT_EQ(runs, 3) << "no restart is forgotten";
      },
      [&](auto t) { refused([t] { return supervise({.window = t}, work); }); });
  time_option(
      "supervise.hpp: initial_delay",
      [&](auto t) {
        EXPECT_EQ(rt.run(supervise({.initial_delay = t, .max_delay = 100us}, second_time_lucky())), 42);
        waits(supervise({.initial_delay = t, .max_delay = t}, second_time_lucky()));
      },
      [&](auto t) { refused([t] { return supervise({.initial_delay = t}, work); }); });
  time_option(
      "supervise.hpp: max_delay",
      [&](auto t) { EXPECT_EQ(rt.run(supervise({.initial_delay = 1us, .max_delay = t}, second_time_lucky())), 42); },
      [&](auto t) { refused([t] { return supervise({.max_delay = t}, work); }); });
  time_option(
      "circuit_breaker.hpp: reset_after",
      [&](auto t) {
        const circuit_breaker circuit({.failure_threshold = 1, .reset_after = t});
        auto guarded = circuit.guard([] { throw std::runtime_error("down"); });
        EXPECT_THROW(rt.run(guarded), std::runtime_error);
        EXPECT_THROW(rt.run(guarded), circuit_open);
      },
      [&](auto t) { refused([t] { return circuit_breaker({.reset_after = t}); }); });
}

TEST_F(EveryTime, OfItems) {
  runtime rt;
  const std::vector<int> rows{1, 2, 3};
  const auto same = [](context& ctx, int row) { return work(ctx) - 42 + row; };
  time_option(
      "builder.hpp: limit", [&](auto t) { EXPECT_EQ(rt.run(workit::work(rows).timeout(t).for_each(same)), rows); },
      [&](auto t) { EXPECT_THROW(rt.run(workit::work(rows).timeout(t).for_each(same)), timed_out); });
  instant_option(
      "builder.hpp: at", [&](auto at) { EXPECT_EQ(rt.run(workit::work(rows).deadline_at(at).for_each(same)), rows); },
      [&](auto at) { EXPECT_THROW(rt.run(workit::work(rows).deadline_at(at).for_each(same)), timed_out); });
}

TEST_F(EveryTime, OfAnAgent) {
  runtime rt;
  const auto agent_with = [](auto t) {
    return agent_scope({.deadline = t}, [](scope& s, const agent&) { return work(s); });
  };
  time_option(
      "agent.hpp: deadline", [&](auto t) { EXPECT_EQ(rt.run(agent_with(t)), 42); },
      [&](auto t) { EXPECT_THROW(rt.run(agent_with(t)), timed_out); });
}

TEST_F(EveryTime, OfWhatObserves) {
  runtime rt;
  time_option(
      "sampling.hpp: slow",
      [&](auto t) { EXPECT_FALSE(sampling::errors_and_slow(t).keeps(event::task_succeeded{24h})); },
      [&](auto t) { EXPECT_REFUSED((void)sampling::errors_and_slow(t), "no time"); });
  time_option(
      "export_options.hpp: reset_after",
      [&](auto t) {
        event_exporter exporter({.sampling = sampling::all(), .queue = {.failure_threshold = 1, .reset_after = t}},
                                [](const recorded_event&) { throw std::runtime_error("down"); });
        rt.run([&](scope& s) {
          exporter.attach(s).keep();
          work(s);
        });
        exporter.flush();
        EXPECT_EQ(exporter.counts().failed, 1u);
        EXPECT_GT(exporter.counts().skipped, 0u);
      },
      [&](auto t) {
        EXPECT_REFUSED(event_exporter({.queue = {.reset_after = t}}, [](const recorded_event&) {}), "more than zero");
      });
  runtime_snapshot now;
  rt.run([&](scope& s) {
    s.spawn(wait_for_ever);
    s.yield();
    now = rt.status();
    s.cancel("seen");
  });
  time_option(
      "diagnose.hpp: stale_after", [&](auto t) { EXPECT_EQ(diagnose(now, {.stale_after = t}).found, 0u); },
      [&](auto t) { EXPECT_REFUSED((void)diagnose(now, {.stale_after = t}), "more than zero"); });
  time_option(
      "diagnose.hpp: loser_grace", [&](auto t) { EXPECT_EQ(diagnose(now, {.loser_grace = t}).found, 0u); },
      [&](auto t) { EXPECT_REFUSED((void)diagnose(now, {.loser_grace = t}), "more than zero"); });
}

std::string printed_tree(const print_tree_options& options) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  auto to = options;
  to.descriptor = ends[1];
  std::string text(4096, '\0');
  {
    runtime rt({}, print_tree_on(SIGUSR2, to));
    raise(SIGUSR2);
    const auto n = read(ends[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  close(ends[0]);
  close(ends[1]);
  return text;
}

TEST_F(EveryTime, OfATreeOfTheProcess) {
  constexpr auto silent = "does not answer";
  runtime rt({.name = "here"});
  auto held = rt.spawn({.name = "slow"}, [](context& ctx) {
    for (int i = 0; i < 20; ++i) {
      const auto until = std::chrono::steady_clock::now() + 1ms;
      while (std::chrono::steady_clock::now() < until) {
      }
      ctx.yield();
    }
  });
  time_option(
      "print_tree_on.hpp: patience",
      [&](auto t) {
        EXPECT_EQ(process_tree(t).find(silent), std::string::npos) << "it waited";
        EXPECT_EQ(printed_tree({.patience = t}).find(silent), std::string::npos);
      },
      [&](auto t) { EXPECT_FALSE(process_tree(t).empty()) << "it does not wait"; });
  held.wait();
}

TEST(EveryTimeOfErrors, IsATimeOfTheirs) {
  time_option(
      "errors.hpp: limit", [](auto t) { EXPECT_EQ(timed_out("x", t).limit(), duration::max()); },
      [](auto t) { EXPECT_EQ(timed_out("x", t).limit(), duration::min()); });
  time_option(
      "errors.hpp: retry_after", [](auto t) { EXPECT_EQ(circuit_open("x", t).retry_after(), duration::max()); },
      [](auto t) { EXPECT_EQ(circuit_open("x", t).retry_after(), duration::min()); });
  const auto says = [](auto t) { EXPECT_FALSE(describe(reason::timeout{t}).empty()); };
  time_option("reason.hpp: limit", says, says);
}

}  // namespace
}  // namespace workit::test
