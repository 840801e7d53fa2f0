// offload(): values, errors and misuse, through a runtime.
#include <csignal>

#include "victims.hpp"

namespace workit::test {
namespace {

class Offload : public runtime_test {
 protected:
  template <class F>
  static decltype(auto) with_pool(F&& body) {
    runtime rt({}, processes({.workers = 2}));
    return rt.run(std::forward<F>(body));
  }
};

struct point {
  int x = 0;
  std::string name{};
};

int add(int a, int b) { return a + b; }
std::vector<float> halves(const std::vector<float>& values) {
  auto copy = values;
  for (auto& v : copy) v /= 2;
  return copy;
}
int preloaded = 0;

TEST_F(Offload, CallsFunctionsAndCapturelessLambdasByValue) {
  with_pool([](scope& s) {
    EXPECT_EQ(offload({}, add, 2, 3)(s), 5);
    EXPECT_EQ(offload(
                  {}, [](std::string text) { return text + "!"; }, "hello")(s),
              "hello!");
    EXPECT_EQ(offload({}, halves, std::vector<float>{1, 2})(s), (std::vector<float>{0.5f, 1}));
    offload({}, [] {})(s);
  });
}

TEST_F(Offload, RunsInAnotherProcess) {
  const auto worker = with_pool([](scope& s) { return offload({}, [] { return static_cast<int>(getpid()); })(s); });
  EXPECT_NE(worker, getpid());
}

TEST_F(Offload, SnapshotsItsArgumentsWhenItIsMade) {
  with_pool([](scope& s) {
    std::string text = "before";
    const auto call = offload(
        {}, [](std::string t) { return t; }, text);
    text = "after";
    EXPECT_EQ(call(s), "before");
    EXPECT_EQ(call(s), "before");  // it is a task function: it may be called again
  });
}

TEST_F(Offload, NamesTheRemoteException) {
  with_pool([](scope& s) {
    try {
      offload({}, []() -> int { throw std::invalid_argument("no such model"); })(s);
      FAIL() << "the exception was lost";
    } catch (const remote_error& e) {
      EXPECT_EQ(e.type(), "std::invalid_argument");
      EXPECT_EQ(e.message(), "no such model");
    }
  });
}

TEST_F(Offload, TellsACrashFromAnExit) {
  with_pool([](scope& s) {
    try {
      offload({}, [] { raise(SIGSEGV); })(s);
      FAIL() << "the crash was lost";
    } catch (const worker_crashed& e) {
      EXPECT_EQ(e.signal(), SIGSEGV);
    }
    try {
      offload({}, [] { _exit(3); })(s);
      FAIL() << "the exit was lost";
    } catch (const worker_crashed& e) {
      EXPECT_EQ(e.signal(), 0);
      EXPECT_EQ(e.exit_code(), 3);
    }
    EXPECT_EQ(offload({}, add, 1, 1)(s), 2) << "the pool did not survive";
  });
}

TEST_F(Offload, FindsPreloadedStateInEveryWorker) {
  runtime rt({}, processes({.workers = 2, .preload = [] { preloaded = 7; }}));
  rt.run([](scope& s) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(offload({}, [] { return preloaded; })(s), 7);
  });
  EXPECT_EQ(preloaded, 0) << "preload ran in the host";
}

TEST_F(Offload, RunsConcurrentlyUpToTheNumberOfWorkersAndKeepsOrderInNone) {
  with_pool([](scope& s) {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 64; ++i)
      tasks.push_back(s.spawn(offload(
          {}, [](int x) { return x * x; }, i)));
    for (int i = 0; i < 64; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].get(), i * i);
  });
}

TEST_F(Offload, ServesSeveralLoopsAtOnce) {
  runtime rt({.io_threads = 3}, processes({.workers = 2}));
  std::vector<task<int>> roots;
  for (int i = 0; i < 9; ++i)
    roots.push_back(rt.spawn({}, [i](scope& s) {
      int sum = 0;
      for (int k = 0; k < 20; ++k) sum += offload({}, add, i, k)(s);
      return sum;
    }));
  for (int i = 0; i < 9; ++i) EXPECT_EQ(roots[static_cast<std::size_t>(i)].get(), 20 * i + 190);
}

TEST_F(Offload, CarriesSixtyFourMebibytesThereAndBack) {
  with_pool([](scope& s) {
    std::vector<std::uint64_t> block(8u << 20);
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = i * 2654435761u;
    EXPECT_EQ(offload(
                  {}, [](std::vector<std::uint64_t> b) { return b; }, block)(s),
              block);
  });
}

TEST_F(Offload, DoesNotStartInAScopeThatIsStopping) {
  marker_folder markers;
  runtime rt({}, processes({.workers = 1}));
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("too late");
    offload({}, spin_and_mark, markers.file("started"), markers.file("ended"), std::int64_t{1})(s);
  }),
               scope_cancelled);
  EXPECT_FALSE(markers.has("started"));
}

TEST_F(Offload, WithoutAPoolSaysHowToGetOne) {
  runtime rt;
  try {
    rt.run([](scope& s) { return offload({}, add, 1, 2)(s); });
    FAIL() << "there is no pool";
  } catch (const start_failed& e) {
    EXPECT_NE(std::string(e.what()).find("workit::processes"), std::string::npos) << e.what();
  }
}

TEST_F(Offload, WithAnUnknownPoolNamesIt) {
  with_pool([](scope& s) {
    try {
      offload({.pool = "embed"}, add, 1, 2)(s);
      FAIL() << "there is no such pool";
    } catch (const start_failed& e) {
      EXPECT_NE(std::string(e.what()).find("\"embed\""), std::string::npos) << e.what();
    }
  });
}

TEST_F(Offload, RefusesOptionsThatCannotBeBeforeAnythingRuns) {
  EXPECT_THROW((void)offload({.boundary = boundary::fiber}, add, 1, 2), std::invalid_argument);
}

int polite(worker_context& here) {
  for (;;) here.check();
}

TEST_F(Offload, WithTheGreatestGraceIsNotKilledEarly) {
  runtime rt({}, processes({.workers = 1}));
  for (const duration grace : {duration(1s), duration(24h * 365 * 250), duration::max()}) {
    const offload_options options{.grace = grace};
    EXPECT_EQ(rt.run({.deadline = 1h}, offload(options, add, 1, 2)), 3) << grace.count();
    EXPECT_EQ(rt.run(offload(options, add, 1, 2)), 3) << grace.count() << ", without a deadline";
    EXPECT_THROW(rt.run({.deadline = 50ms}, [&](scope& s) { return offload(options, polite)(s); }), timed_out)
        << "the control: it is asked all the same";
  }
}

void spin_for_ever() {
  for (volatile bool on = true; on;) {
  }
}

TEST_F(Offload, ATimeOutSaysWhetherTheTaskEverBegan) {
  runtime rt({}, processes({.name = "score", .workers = 1, .spares = 0}));
  const auto sentence_of = [](scope& s, const offload_options& options) {
    try {
      offload(options, spin_for_ever)(s);
    } catch (const timed_out& e) {
      return std::string(e.what());
    }
    return std::string("it came back");
  };
  rt.run([&](scope& s) {
    const auto ran = sentence_of(s, {.timeout = 200ms});
    EXPECT_NE(ran.find("took longer than 200 ms"), std::string::npos) << ran;
    EXPECT_EQ(ran.find("never began"), std::string::npos) << ran << ", the control: it ran";
    auto busy = s.spawn({.background = true}, offload({}, spin_for_ever));
    while (find_pool(rt, "score")->status().busy == 0) s.sleep_for(1ms);
    const auto waited = sentence_of(s, {.timeout = 50ms, .pool = "score"});
    EXPECT_NE(waited.find("took longer than 50 ms: it waited in the queue of pool \"score\" and never began"),
              std::string::npos)
        << waited;
    busy.cancel("enough");
  });
}

TEST_F(Offload, WithoutTimeDoesNotBegin) {
  with_pool([](scope& s) {
    for (const duration none : {duration(0), duration(-1h), duration::min()}) {
      int used = 0;
      const auto call = offload({.timeout = none, .on_end = [&](const worker_usage&) { ++used; }}, add, 1, 2);
      EXPECT_THROW(call(s), timed_out) << none.count();
      EXPECT_EQ(used, 0) << "no worker was used";
    }
    EXPECT_EQ(offload({.timeout = 1h}, add, 1, 2)(s), 3) << "the control";
  });
}

}  // namespace
}  // namespace workit::test
