// A scope that has not closed by its deadline ends as timed_out, whatever its body does.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

void swallow(context& ctx) {
  try {
    ctx.sleep_for(1h);
  } catch (const cancelled&) {
  }
}

class LateScope : public test::runtime_test {
 protected:
  struct ending {
    std::optional<int> value{};
    std::string error{};
    scope_receipt receipt{};
    std::vector<std::pair<std::string, duration>> late{};  ///< of whom stop_ignored was told
  };

  /// Runs `body` in a scope "page"; how that went, for its opener and in its receipt.
  template <class Runtime, class F>
  static ending end_in(scope_options options, F body) {
    ending e;
    {
      Runtime rt;  // delivers the receipt by its end
      options.name = "page";
      options.on_receipt = [&](const scope_receipt& r) { e.receipt = r; };
      const auto note = [&](const lifecycle_event& told) {
        if (const auto* ignored = std::get_if<event::stop_ignored>(&told.body))
          e.late.emplace_back(told.name, ignored->late);
      };
      e.error = test::error_of([&] {
        e.value = rt.run(std::move(options), [&](scope& s) {
          s.on_event(note).keep();
          return body(s);
        });
      });
    }
    return e;
  }
  template <class F>
  static ending by_a_manual_clock(scope_options options, F body) {
    return end_in<manual_runtime>(std::move(options), std::move(body));
  }

  /// `then` ends a body that has held its loop, which keeps the deadline, until 8 ms after that. A machine that is so
  /// slow that the body does not begin in time tries again.
  template <class F>
  static ending by_a_held_loop(F then) {
    for (;;) {
      bool began = false;
      auto e = end_in<runtime>({.deadline = 2ms}, [&](scope&) {
        began = true;
        std::this_thread::sleep_for(10ms);
        return then();
      });
      if (began) return e;
    }
  }

  static void expect_timed_out(const ending& e, const std::string& sentence) {
    EXPECT_FALSE(e.value);
    EXPECT_EQ(e.error, sentence);
    EXPECT_EQ(e.receipt.outcome, scope_outcome::cancelled);
    ASSERT_TRUE(e.receipt.why);
    EXPECT_EQ(kind_of(*e.receipt.why), "deadline");
  }
};

const std::string late_page = "scope \"page\" took longer than 2 ms";

TEST_F(LateScope, WhoseBodySleptInABlockingCall) {
  const auto e = by_a_held_loop([] { return 7; });
  expect_timed_out(e, late_page);
  ASSERT_EQ(e.late.size(), 1u);
  EXPECT_EQ(e.late[0].first, "page");
  EXPECT_GE(e.late[0].second, 8ms) << "since the deadline";
}

TEST_F(LateScope, WhoseBodySwallowedItsCancellation) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    swallow(s);
    return 7;
  });
  expect_timed_out(e, late_page);
  EXPECT_EQ(e.late, (std::vector<std::pair<std::string, duration>>{{"page", 0ms}}));
}

TEST_F(LateScope, WhoseTaskGoesOnAfterItsBody) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    return 7;
  });
  expect_timed_out(e, late_page);
  EXPECT_TRUE(e.late.empty()) << "its body was in time, and its task answered";
}

TEST_F(LateScope, WhoseCleanupGoesOnAfterItsBody) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.defer([](context& c) { c.sleep_for(3ms); });
    return 7;
  });
  expect_timed_out(e, late_page);
  EXPECT_TRUE(e.late.empty());
}

TEST_F(LateScope, WhoseBodyTookWhatItsCancelledTaskGave) {
  for (int round = 0; round < 200; ++round) {
    const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
      auto t = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
      t.wait();
      return 7;
    });
    expect_timed_out(e, late_page);
    const auto got = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
      auto t = s.spawn([](context& ctx) -> int {
        ctx.sleep_for(1h);
        return 7;
      });
      try {
        t.wait();
      } catch (const cancelled&) {
      }
      return t.get();
    });
    expect_timed_out(got, late_page);
    const auto asked = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
      auto t = s.spawn([](context& ctx) -> int {
        ctx.sleep_for(1h);
        return 7;
      });
      try {
        t.wait();
      } catch (const cancelled&) {
      }
      return t.result().value();
    });
    expect_timed_out(asked, late_page);
  }
}

TEST_F(LateScope, WhoseTaskReturnsLateIsToldOf) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.spawn({.name = "deaf"}, [](context& ctx) {
      swallow(ctx);
      return 1;
    });
    s.spawn({.name = "in time"}, [](context& ctx) { ctx.sleep_for(1ms); });
    s.sleep_for(1h);
    return 7;
  });
  expect_timed_out(e, late_page);
  ASSERT_EQ(e.late.size(), 1u);
  EXPECT_EQ(e.late[0].first, "deaf");
}

TEST_F(LateScope, WhoseBodyFailsOtherwiseFailsByThat) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) -> int {
    swallow(s);
    throw std::runtime_error("rolled back");
  });
  EXPECT_EQ(e.error, "rolled back");
  EXPECT_EQ(e.receipt.outcome, scope_outcome::errored) << "as its opener sees it";
  EXPECT_TRUE(e.late.empty());
}

TEST_F(LateScope, WhoseBodyFailsAfterABlockingCallWasOverBefore) {
  const auto e = by_a_held_loop([]() -> int { throw std::runtime_error("rolled back"); });
  EXPECT_EQ(e.error, "rolled back");
  ASSERT_TRUE(e.receipt.why);
  EXPECT_EQ(kind_of(*e.receipt.why), "deadline") << "which came first";
}

TEST_F(LateScope, ControlArmOneThatIsInTimeGivesItsValue) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.spawn([](context& ctx) { ctx.sleep_for(1ms); }).get();
    return 7;
  });
  EXPECT_EQ(e.value, 7);
  EXPECT_EQ(e.receipt.outcome, scope_outcome::completed);
  EXPECT_TRUE(e.late.empty());
}

TEST_F(LateScope, ThatWasAskedToStopBelievesABodyThatReturns) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.cancel("I have what I want");
    return 7;
  });
  EXPECT_EQ(e.value, 7);
  EXPECT_EQ(e.receipt.outcome, scope_outcome::cancelled) << "what was left of it";
  EXPECT_TRUE(e.late.empty());
}

TEST_F(LateScope, BelowACancelledOneLeavesByThat) {
  const auto e = by_a_manual_clock({.deadline = 2ms}, [](scope& s) {
    s.scope({.deadline = 1h}, [](scope& inner) { swallow(inner); });
    s.check();
    return 7;
  });
  expect_timed_out(e, late_page);
  EXPECT_EQ(e.late.size(), 1u);
}

}  // namespace
}  // namespace workit
