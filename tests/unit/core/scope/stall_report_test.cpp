// Stall reports: a task that blocks an I/O thread is named, with its stack.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <support/fixture.hpp>
#include <thread>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

namespace workit {

using namespace std::chrono_literals;

// Not in an anonymous namespace: the test looks for its name in the stack. What it waits for lies behind a system call
// each time, because ThreadSanitizer delivers signals at those.
[[gnu::noinline]] bool hold_thread_until(const std::function<bool()>& done, duration at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1us);
  }
  return true;
}

namespace {

/// Collects reports from the detector's thread.
class reports {
 public:
  auto listener() {
    return [this](const stall_report& r) {
      const std::lock_guard lock(mutex_);
      all_.push_back(r);
    };
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }
  stall_report at(std::size_t i) {
    const std::lock_guard lock(mutex_);
    return all_.at(i);
  }
  // The first one that fits: a busy machine can hold any fiber for a moment, and then that is reported too.
  std::optional<stall_report> find(const std::function<bool(const stall_report&)>& fits) {
    const std::lock_guard lock(mutex_);
    for (const auto& r : all_)
      if (fits(r)) return r;
    return std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::vector<stall_report> all_;
};

class StallReport : public test::runtime_test {
 protected:
  reports got;
  static constexpr auto long_enough = 60s;  // only a test that fails waits for so long
  bool hold_until_reported(std::size_t n) {
    return hold_thread_until([&] { return got.count() >= n; }, long_enough);
  }
  bool hold_until_reported(const std::function<bool(const stall_report&)>& fits) {
    return hold_thread_until([&] { return got.find(fits).has_value(); }, long_enough);
  }
};

TEST_F(StallReport, NamesTheTaskThatHoldsTheThreadAndItsStack) {
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  const auto fits = [](const stall_report& r) { return r.name == "hog"; };
  work_id id = 0;
  rt.run({.name = "page"}, [&](scope& s) {
    s.spawn({.name = "hog"}, [&](context& ctx) {
       id = ctx.id();
       EXPECT_TRUE(hold_until_reported(fits));
     }).get();
  });
  const auto r = got.find(fits).value();
  EXPECT_EQ(r.task, id);
  EXPECT_EQ(r.inside, "");
  EXPECT_EQ(r.io_thread, 0u);
  EXPECT_EQ(r.nth, 1u);
  EXPECT_GE(r.held, 2ms);
  const auto text = to_string(r);
  EXPECT_NE(text.find("I/O thread 0 has been held for "), std::string::npos) << text;
  EXPECT_NE(text.find("by task \"hog\" (" + std::to_string(id) + ')'), std::string::npos) << text;
  EXPECT_NE(text.find("hold_thread_until"), std::string::npos) << text;
}

TEST_F(StallReport, NamesTheScopeInWhichTheTaskHoldsIt) {
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  const auto fits = [](const stall_report& r) { return r.name == "page" && r.inside == "inner"; };
  rt.run({.name = "page"},
         [&](scope& s) { s.scope({.name = "inner"}, [&](scope&) { EXPECT_TRUE(hold_until_reported(fits)); }); });
}

TEST_F(StallReport, SaysThatTheTaskWasToldToStop) {
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  const auto hog = [&](bool told) {
    const auto fits = [told](const stall_report& r) { return r.name == "hog" && r.stopping.has_value() == told; };
    rt.run({.name = "page"}, [&](scope& s) {
      s.spawn({.name = "hog"}, [&] {
        if (told) s.cancel("enough");
        EXPECT_TRUE(hold_until_reported(fits));
      });
    });
    return got.find(fits).value();
  };
  EXPECT_EQ(to_string(hog(false)).find("told to stop"), std::string::npos) << "the control arm";
  const auto r = hog(true);
  EXPECT_EQ(r.stopping->kind, "manual");
  EXPECT_NE(to_string(r).find(", which was told to stop "), std::string::npos) << to_string(r);
}

// Long enough that a busy machine does not take the processor away for it.
constexpr auto far_from_it = 150ms;

TEST_F(StallReport, NeverNamesAFiberThatYields) {
  runtime rt({.stall_after = far_from_it, .on_stall = got.listener()});
  rt.run([&](scope& s) {
    const auto until = std::chrono::steady_clock::now() + 3 * far_from_it;
    while (std::chrono::steady_clock::now() < until) s.yield();
  });
  EXPECT_EQ(got.count(), 0u);
  rt.run([&](scope&) { EXPECT_TRUE(hold_until_reported(1)) << "the control: the same without the yields"; });
}

TEST_F(StallReport, DoesNotTakeWaitingForHolding) {
  runtime rt({.stall_after = far_from_it, .on_stall = got.listener()});
  rt.run([&](scope& s) {
    boost::asio::steady_timer timer(executor(s), 3 * far_from_it);
    timer.async_wait(use_fiber);
  });
  EXPECT_EQ(got.count(), 0u);
  rt.run([&](scope&) { EXPECT_TRUE(hold_until_reported(1)) << "the control: a fiber that does hold"; });
}

TEST_F(StallReport, SeesAHandlerThatComputesOnTheLoopsOwnStack) {
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  const auto of_no_task = [](const stall_report& r) { return r.task == 0; };
  std::atomic<bool> handled{false};
  rt.run([&](scope& s) {
    boost::asio::steady_timer timer(executor(s), 10ms);  // the thread is idle when it comes
    timer.async_wait([&](const auto&) {
      const auto until = std::chrono::steady_clock::now() + long_enough;
      while (!got.find(of_no_task) && std::chrono::steady_clock::now() < until) {
      }
      handled = true;
    });
    while (!handled) s.sleep_for(1ms);
  });
  EXPECT_TRUE(got.find(of_no_task));
}

TEST_F(StallReport, ComesOnceAStallAndOnceASecondWhileItLasts) {
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  rt.run([&](scope& s) {
    s.yield();
    auto n = got.count() + 1;
    EXPECT_TRUE(hold_until_reported(n));
    hold_thread_until([] { return false; }, 50ms);
    EXPECT_EQ(got.count(), n) << "far longer than stall_after, and not a second";
    s.yield();
    n = got.count();
    EXPECT_TRUE(hold_until_reported(n + 1)) << "a stall of its own";
    EXPECT_TRUE(hold_until_reported(n + 2)) << "the same one, a second later";
    EXPECT_EQ(got.at(n).nth, 1u);
    EXPECT_EQ(got.at(n + 1).nth, 2u);
    EXPECT_GE(got.at(n + 1).held - got.at(n).held, 1s);
  });
}

TEST_F(StallReport, ComesTenTimesAMinuteAtMost) {
  runtime rt({.stall_after = 1ms, .on_stall = got.listener()});
  rt.run([&](scope& s) {
    for (std::size_t i = 1; i <= 10; ++i) {
      EXPECT_TRUE(hold_until_reported(i));
      s.yield();
    }
    for (int i = 0; i < 3; ++i) {
      hold_thread_until([] { return false; }, 30ms);
      s.yield();
    }
  });
  EXPECT_EQ(got.count(), 10u);
}

TEST_F(StallReport, HasNoStackWhileTheProgramHasAHandlerOfItsOwnForTheSignal) {
  struct sigaction own {
  }, before{};
  own.sa_handler = [](int) {};
  sigaction(SIGURG, &own, &before);
  {
    runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
    rt.run([&](scope&) { EXPECT_TRUE(hold_until_reported(1)); });
    EXPECT_TRUE(got.at(0).stack.empty());
    struct sigaction now {};
    sigaction(SIGURG, nullptr, &now);
    EXPECT_EQ(now.sa_handler, own.sa_handler);
  }
  sigaction(SIGURG, &before, nullptr);
  runtime rt({.stall_after = 2ms, .on_stall = got.listener()});
  const auto with_stack = [](const stall_report& r) { return !r.stack.empty(); };
  EXPECT_FALSE(got.find(with_stack));
  rt.run([&](scope&) { EXPECT_TRUE(hold_until_reported(with_stack)) << "the control"; });
}

// The interrupted thread may be anywhere: allocating, throwing, switching. Nothing may break.
TEST_F(StallReport, LeavesNoTraceInCodeThatIsInterruptedAnywhere) {
  runtime rt({.stall_after = 1ms, .on_stall = got.listener()});
  long sum = 0;
  rt.run([&](scope& s) {
    for (std::size_t i = 1; i <= 10; ++i) {
      const auto until = std::chrono::steady_clock::now() + long_enough;
      while (got.count() < i && std::chrono::steady_clock::now() < until) {
        try {
          throw std::make_unique<int>(1);
        } catch (const std::unique_ptr<int>& one) {
          sum += *one;
        }
        errno = 7;
        sum += static_cast<long>(std::string(1000, 'x').size());
      }
      s.spawn([] {}).get();
    }
  });
  EXPECT_EQ(got.count(), 10u);
  EXPECT_GT(sum, 0);
}

TEST_F(StallReport, IsRefusedForLessThanAMillisecond) {
  EXPECT_THROW(runtime({.stall_after = 999us}), std::invalid_argument);
}

TEST_F(StallReport, GoesToStandardErrorWithoutAListener) {
  testing::internal::CaptureStderr();
  {
    runtime rt({.stall_after = 1ms});
    rt.run({.name = "page"}, [&](scope&) { hold_thread_until([] { return false; }, 200ms); });
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("held for"), std::string::npos);
}

TEST(StallReportText, SaysWhatIsKnown) {
  stall_report r{.io_thread = 1,
                 .task = 5,
                 .name = "hog",
                 .inside = "inner",
                 .held = 52ms,
                 .suppressed = 3,
                 .stack = {"spin+0x1 (a.out)"}};
  EXPECT_EQ(to_string(r),
            "workit: I/O thread 1 has been held for 52 ms by task \"hog\" (5) in \"inner\"; nothing else runs there\n"
            "  (3 reports before this one were held back)\n"
            "  at spin+0x1 (a.out)\n");
  EXPECT_EQ(to_string(stall_report{.held = 1s}),
            "workit: I/O thread 0 has been held for 1 s by code that could not be interrupted; nothing else runs "
            "there\n");
}

}  // namespace
}  // namespace workit
