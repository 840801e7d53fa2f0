// bracket(): acquire, use, and release exactly once.
#include "branches.hpp"

#include <memory>
#include <support/refused.hpp>
#include <workit/base/event.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Bracket : public test::runtime_test {
 protected:
  std::string order;
  auto acquire() {
    return [this] {
      order += 'a';
      return std::make_unique<int>(7);
    };
  }
  auto release() {
    return [this](std::unique_ptr<int>& resource) {
      EXPECT_EQ(*resource, 7);
      order += 'r';
    };
  }
};

TEST_F(Bracket, AcquiresUsesAndReleasesOnce) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(bracket(
                acquire(),
                [this](context&, std::unique_ptr<int>& resource) {
                  order += 'u';
                  return *resource + 1;
                },
                release())),
            8);
  EXPECT_EQ(order, "aur");
}

TEST_F(Bracket, ReleasesWhenUseThrows) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] {
              rt.run(bracket(
                  acquire(), [](std::unique_ptr<int>&) { throw std::runtime_error("use"); }, release()));
            }),
            "use");
  EXPECT_EQ(order, "ar");
}

TEST_F(Bracket, ReleasesNothingWhenAcquireThrows) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] {
              rt.run(bracket([]() -> std::unique_ptr<int> { throw std::runtime_error("acquire"); },
                             [this](std::unique_ptr<int>&) { order += 'u'; }, release()));
            }),
            "acquire");
  EXPECT_EQ(order, "");
}

TEST_F(Bracket, ReleasesWhenItIsCancelled) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    auto t = s.spawn(bracket(
        acquire(), [](context& ctx, std::unique_ptr<int>&) { ctx.sleep_for(1h); }, release()));
    s.sleep_for(30ms);
    t.cancel("enough");
    const auto ended = t.result();
    ASSERT_TRUE(ended.is_cancelled());
    EXPECT_EQ(describe(ended.why()), "manual: enough");
    EXPECT_EQ(order, "ar");
  });
  EXPECT_EQ(rt.clock.now(), start + 30ms);
}

TEST_F(Bracket, ReleasesEvenIfItIsCancelledWhileItAcquires) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto slowly = uncancellable(1min, [this](context& ctx) {
      ctx.sleep_for(1s);
      return acquire()();
    });
    auto t = s.spawn(bracket(
        std::move(slowly), [](context& ctx, std::unique_ptr<int>&) { ctx.sleep_for(1h); }, release()));
    s.sleep_for(500ms);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_EQ(order, "ar") << "what was acquired under a shield is released";
}

TEST_F(Bracket, BoundsAReleaseThatHangs) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  test::event_log<event::cleanup_timed_out> log;
  rt.run([&](scope& s) {
    s.on_event(log.recorder(start)).keep();
    EXPECT_EQ(bracket(
                  {.timeout = 150ms}, [] { return 1; }, [](int& r) { return r + 1; },
                  [](context& ctx, int&) { ctx.sleep_for(1h); })(s),
              2)
        << "the value is delivered all the same";
  });
  EXPECT_EQ(rt.clock.now(), start + 150ms);
  ASSERT_EQ(log.entries.size(), 1u);
  EXPECT_EQ(log.entries[0].second.bound, 150ms);
}

TEST_F(Bracket, TellsOfAReleaseThatThrowsAndDeliversTheValue) {
  manual_runtime rt;
  test::event_log<event::cleanup_failed> log;
  rt.run([&](scope& s) {
    s.on_event(log.recorder(s.now())).keep();
    EXPECT_EQ(bracket([] { return 1; }, [](int& r) { return r; }, [](int&) { throw std::runtime_error("release"); })(s),
              1);
  });
  EXPECT_EQ(log.entries.size(), 1u);
}

TEST_F(Bracket, ReleasesNestedOnesFromTheInsideOut) {
  manual_runtime rt;
  rt.run(bracket([] { return 1; },
                 [this](context& ctx, int&) {
                   bracket([] { return 2; }, [](int&) {}, [this](int& r) { order += std::to_string(r); })(ctx);
                 },
                 [this](int& r) { order += std::to_string(r); }));
  EXPECT_EQ(order, "21");
}

TEST_F(Bracket, ReleasesAfterAllThatUseHasStarted) {
  manual_runtime rt;
  rt.run(bracket([] { return 1; },
                 [this](context& ctx, int&) {
                   background(ctx, [this](context& inner) {
                     inner.sleep_for(1s);
                     order += 'b';
                   });
                 },
                 [this](int&) { order += 'r'; }));
  EXPECT_EQ(order, "br");
}

TEST_F(Bracket, HandsOnAReference) {
  manual_runtime rt;
  int mine = 1;
  rt.run(bracket([&]() -> int& { return mine; }, [](int& r) { ++r; }, [](int& r) { ++r; }));
  EXPECT_EQ(mine, 3);
}

TEST(BracketOptions, RefusesATimeOutOfNothing) {
  EXPECT_REFUSED((void)bracket(
                     {.timeout = 0s}, [] { return 1; }, [](int&) {}, [](int&) {}),
                 "bracket\\(\\): the time-out of the release has to be more than zero");
}

}  // namespace
}  // namespace workit
