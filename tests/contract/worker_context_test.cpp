// What a task behind the process boundary is given and says when it asks for its context.
#include <random>
#include <support/seed.hpp>
#include <workit/base/event.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

class WorkerContext : public worker_test {
 protected:
  marker_folder markers;
};

int times_two(context&, int x) { return 2 * x; }

TEST_F(WorkerContext, IsGivenToFunctionsAndLambdasThatTakeIt) {
  rt_->run([](scope& s) {
    EXPECT_EQ(offload({}, times_two, 21)(s), 42);
    EXPECT_EQ(offload(
                  {}, [](context& ctx, std::string with) { return ctx.name() + with; }, "!")(s),
              s.name() + "!");
    EXPECT_EQ(offload(
                  {}, [](auto& ctx, auto x) { return ctx.stopping() ? 0 : x; }, 7)(s),
              7)
        << "generic ones, too";
    offload({}, [](context&) {})(s);
  });
}

TEST_F(WorkerContext, HasTheNameAndDeadlineOfTheCaller) {
  rt_->run([](scope& s) {
    s.scope({.name = "page", .deadline = 1h}, [](scope& page) {
      const auto until = offload(
          {}, [](context& ctx) { return std::pair(ctx.name(), ctx.deadline().at().time_since_epoch().count()); })(page);
      EXPECT_EQ(until.first, "page");
      EXPECT_EQ(until.second, page.deadline().at().time_since_epoch().count());
    });
  });
}

TEST_F(WorkerContext, IsThatOfAScopeThatDoesAllScopesDo) {
  rt_->run([](scope& s) {
    const auto told = offload({}, [](context& ctx) {
      std::vector<std::string> lines;
      ctx.scope([&](scope& inner) {
        inner.defer([&] { lines.emplace_back("cleanup"); });
        auto a = inner.spawn([](context& c) {
          c.sleep_for(1ms);
          return 20;
        });
        auto b = inner.spawn([] { return 22; });
        lines.push_back(std::to_string(a.get() + b.get()));
        EXPECT_THROW(timeout(1ms, [](context& c) { c.sleep_for(1h); })(inner), timed_out);
      });
      return lines;
    })(s);
    EXPECT_EQ(told, (std::vector<std::string>{"42", "cleanup"}));
  });
}

TEST_F(WorkerContext, RunsItsTaskOnTheStackOfAThread) {
  rt_->run([](scope& s) {
    // A fiber's stack would be 256 KiB.
    const auto sum = offload({}, [](context&) {
      volatile char deep[2 << 20];
      for (std::size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
      int n = 0;
      for (std::size_t i = 0; i < sizeof deep; i += 4096) n += deep[i];
      return n;
    })(s);
    EXPECT_EQ(sum, 512);
  });
}

TEST_F(WorkerContext, NamesTheErrorsOfItsTask) {
  rt_->run([](scope& s) {
    try {
      offload({}, [](context& ctx) {
        ctx.scope([](scope& inner) { inner.spawn([] { throw std::out_of_range("row 7"); }).get(); });
      })(s);
      ADD_FAILURE();
    } catch (const remote_error& e) {
      EXPECT_EQ(e.type(), "std::out_of_range");
      EXPECT_EQ(e.message(), "row 7");
      EXPECT_GT(e.used().worker, 0);
    }
    try {
      offload({}, [](context& ctx) { ctx.scope([](scope& inner) { inner.cancel("x"), inner.check(); }); })(s);
      ADD_FAILURE();
    } catch (const remote_error& e) {
      EXPECT_EQ(e.type(), "workit::scope_cancelled") << "it had not been asked to stop";
    }
  });
}

// --- What it says

/// The progress and log events of a root scope, one a line.
struct heard_events {
  std::vector<std::string> lines;
  auto keeper() {
    return [this](const lifecycle_event& e) {
      if (const auto* p = std::get_if<event::progress>(&e.body))
        lines.push_back("report " + std::string(p->message.value_or("-")) + (p->pct ? " pct" : ""));
      if (const auto* l = std::get_if<event::log>(&e.body))
        lines.push_back("log " + std::string(l->message) + ' ' +
                        (l->data.empty() ? "" : std::to_string(std::get<std::int64_t>(l->data[0].value))));
    };
  }
};

TEST_F(WorkerContext, ReportsInTheNameOfItsCallerInOrderAndBeforeTheResult) {
  heard_events heard;
  rt_->run([&](scope& s) {
    s.on_event(heard.keeper()).keep();
    offload({}, [](context& ctx) {
      for (int i = 0; i < 3; ++i) ctx.report({.pct = i / 3.0, .message = "row " + std::to_string(i)});
      ctx.log(log_level::warn, "slow", {{"ms", 12}});
    })(s);
    heard.lines.emplace_back("returned");
  });
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"report row 0 pct", "report row 1 pct", "report row 2 pct",
                                                   "log slow 12", "returned"}));
}

TEST_F(WorkerContext, MayReportMoreThanTheLineHoldsWhileItsHostIsBusy) {
  constexpr int many = 20'000;
  int heard = 0;
  rt_->run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) { heard += std::holds_alternative<event::progress>(e.body); }).keep();
    offload({}, [](context& ctx) {
      const std::string words(200, 'x');
      for (int i = 0; i < many; ++i) ctx.report({.message = words});
    })(s);
    EXPECT_EQ(heard, many);
  });
}

TEST_F(WorkerContext, IsHeardWhileItsTaskRuns) {
  bool heard = false;  // not the body's: its scope tells of its closing when the body has returned
  rt_->run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) { heard |= std::holds_alternative<event::progress>(e.body); }).keep();
    const auto file = markers.file("go");
    auto task = s.spawn(offload(
        {},
        [](context& ctx, std::string go) {
          ctx.report({.message = "waiting"});
          while (!std::filesystem::exists(go)) ctx.sleep_for(1ms);
        },
        file));
    while (!heard) s.sleep_for(1ms);
    EXPECT_EQ(task.status(), task_status::running);
    std::ofstream(file) << "go";
    task.get();
  });
}

// --- How it is asked to stop

/// Reads the reason, cleans up, and leaves a mark.
void stop_politely(context& ctx, std::string ready, std::string told) {
  ctx.defer([&ctx, told] { std::ofstream(told) << describe(*ctx.why()); });
  std::ofstream(ready) << "ready";
  for (;;) ctx.sleep_for(1h);
}

TEST_F(WorkerContext, IsAskedFirstWhereThereIsAGrace) {
  const auto ready = markers.file("ready"), told = markers.file("told");
  kept_receipt receipt;
  rt_->run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    auto task = s.spawn(offload({.grace = 60s}, stop_politely, ready, told));
    markers.await("ready", s);
    task.cancel("enough");
    task.wait();
    EXPECT_EQ(task.status(), task_status::cancelled);
    EXPECT_EQ(offload({}, [] { return 5; })(s), 5);
  });
  std::string words;
  std::getline(std::ifstream(told) >> std::ws, words);
  EXPECT_EQ(words, "manual: enough");
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_EQ(stop.method, stop_method::cooperative);
  EXPECT_EQ(stop.proof, stop_proof::returned);
  EXPECT_EQ(describe(stop.why), "manual: enough");
  EXPECT_GT(stop.worker, 0);
}

TEST_F(WorkerContext, ControlArmWithoutAGraceItIsKilledUnasked) {
  const auto ready = markers.file("ready"), told = markers.file("told");
  kept_receipt receipt;
  rt_->run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    auto task = s.spawn(offload({}, stop_politely, ready, told));
    markers.await("ready", s);
    task.cancel("enough");
    task.wait();
  });
  EXPECT_FALSE(markers.has("told"));
  EXPECT_EQ(receipt.get().stops.at(0).receipt.method, stop_method::killed);
}

TEST_F(WorkerContext, ALoopThatPollsSeesTheWish) {
  const auto ready = markers.file("ready");
  rt_->run([&](scope& s) {
    auto task = s.spawn(offload(
        {.grace = 60s},
        [](context& ctx, std::string mark) {
          std::ofstream(mark) << "ready";
          std::uint64_t turns = 0;
          while (!ctx.stopping()) ++turns;
          return turns > 0;
        },
        ready));
    markers.await("ready", s);
    task.cancel("enough");
    task.wait();
    EXPECT_EQ(task.status(), task_status::succeeded) << "what it commits within its grace is delivered";
  });
}

TEST_F(WorkerContext, WhatDoesNotListenIsKilledWhenItsGraceIsOver) {
  time_point returned{};
  kept_receipt receipt;
  rt_->run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    auto task = s.spawn(
        offload({.grace = 50ms}, spin_and_mark, markers.file("spin"), markers.file("ended"), natural_end.count()));
    markers.await("spin", s);
    task.cancel("enough");
    task.wait();
    returned = std::chrono::steady_clock::now();
  });
  let_out(markers.file("spin"));
  EXPECT_FALSE(markers.has("ended"));
  EXPECT_LE(heartbeat(markers.file("spin.beat")).last(), returned);
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_EQ(stop.method, stop_method::killed);
  EXPECT_EQ(describe(stop.why), "manual: enough");
  EXPECT_GE(stop.stopped - stop.requested, 50ms);
}

TEST_F(WorkerContext, AnswersItsDeadlineByItself) {
  rt_->run([](scope& s) {
    EXPECT_THROW(s.scope({.deadline = 20ms},
                         [](scope& page) {
                           offload({.grace = 60s}, [](context& ctx) {
                             for (;;) ctx.sleep_for(1h);
                           })(page);
                         }),
                 timed_out);
    EXPECT_THROW(offload({.timeout = 20ms, .grace = 60s},
                         [](context& ctx) {
                           for (;;) ctx.sleep_for(1h);
                         })(s),
                 timed_out);
  });
}

TEST_F(WorkerContext, DeliversWhatItCommitsWithinItsGraceAfterItsTimeOut) {
  rt_->run([](scope& s) {
    const auto best_so_far = [](context& ctx) {
      std::uint64_t turns = 0;
      while (!ctx.stopping()) ++turns;
      return turns > 0;
    };
    EXPECT_TRUE(offload({.timeout = 400ms, .grace = 60s}, best_so_far)(s));
    EXPECT_THROW(s.scope({.deadline = 400ms}, [&](scope& page) { offload({.grace = 60s}, best_so_far)(page); }),
                 timed_out)
        << "a scope ends by its deadline, whatever its body returns";
  });
}

// The worker's kernel timer, which ends a task 250 ms after its deadline, respects the grace, too.
TEST_F(WorkerContext, MayUseItsGraceAfterItsDeadline) {
  const auto cleaned = markers.file("cleaned");
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload(
                     {.timeout = 400ms, .grace = 60s},  // so that it has begun by then on any machine
                     [](context& ctx, std::string mark) {
                       ctx.defer([mark] {
                         spin_for(600ms);
                         leave_marker(mark);
                       });
                       for (;;) ctx.sleep_for(1h);
                     },
                     cleaned)(s),
                 timed_out);
  });
  EXPECT_TRUE(markers.has("cleaned"));
}

TEST_F(WorkerContext, TheLightOneStopsAtItsCheckAndCleansUp) {
  const auto cleaned = markers.file("cleaned");
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload(
                     {.timeout = 20ms, .grace = 60s},
                     [](worker_context& ctx, std::string mark) {
                       ctx.defer([mark] { leave_marker(mark); });
                       const std::pmr::vector<int> numbers(1000, 1, &ctx.memory());
                       for (;;) ctx.check();
                     },
                     cleaned)(s),
                 timed_out);
  });
  EXPECT_TRUE(markers.has("cleaned"));
}

TEST_F(WorkerContext, TheLightOneKnowsTheDeadline) {
  const auto left = rt_->run({.deadline = 1h}, [](scope& s) {
    return offload(
        {}, [](worker_context& ctx) { return ctx.deadline().remaining(std::chrono::steady_clock::now()).count(); })(s);
  });
  EXPECT_GT(duration{left}, 59min);
  EXPECT_LE(duration{left}, 1h);
}

TEST_F(WorkerContext, AWishNeverReachesTheNextTask) {
  std::mt19937_64 random(seed());
  rt_->run([&](scope& s) {
    for (int i = 0; i < 200; ++i) {
      auto task = s.spawn(offload({.grace = 60s}, [](context& ctx) { ctx.yield(); }));
      s.sleep_for(std::chrono::microseconds(random() % 300));
      task.cancel("late");
      task.wait();
      EXPECT_FALSE(offload({.grace = 60s}, [](context& ctx) { return ctx.stopping(); })(s)) << "round " << i;
    }
  });
}

// --- What a call has taken

TEST_F(WorkerContext, ACallTellsWhatItHasTaken) {
  rt_->run([](scope& s) {
    std::vector<worker_usage> told;
    const auto keep = [&](const worker_usage& u) { told.push_back(u); };
    offload({.on_end = keep}, [] {
      const auto end = std::clock() + CLOCKS_PER_SEC / 50;
      while (std::clock() < end) {
      }
    })(s);
    EXPECT_THROW(offload({.on_end = keep}, [] { std::abort(); })(s), worker_crashed);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_GT(told[0].worker, 0);
    EXPECT_GE(told[0].cpu, 15ms);
    EXPECT_GE(told[0].ran, 15ms);
    EXPECT_GE(told[0].queued, 0ms);
    EXPECT_GT(told[0].largest_rss, 100'000u);
    EXPECT_GT(told[1].worker, 0);
    EXPECT_FALSE(told[1].cpu) << "the dead say nothing";
  });
}

[[gnu::noinline]] int write_to(std::uintptr_t address) {
  *reinterpret_cast<volatile int*>(address) = 1;
  return 1;
}

TEST_F(WorkerContext, ACrashTellsWhereItWas) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer writes its own report";
#endif
  rt_->run([](scope& s) {
    try {
      offload({}, [] { return write_to(0x123000); })(s);
      ADD_FAILURE();
    } catch (const worker_crashed& e) {
      EXPECT_EQ(e.signal(), SIGSEGV);
      EXPECT_EQ(e.how().fault_address, 0x123000u);
      EXPECT_NE(e.how().backtrace.find("workit_contract_test"), std::string::npos) << e.how().backtrace;
      EXPECT_FALSE(e.how().core_dumped);
    }
    EXPECT_EQ(offload({}, [] { return 5; })(s), 5);
  });
}

}  // namespace
}  // namespace workit::test
