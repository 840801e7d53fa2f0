// A bracket releases exactly once, in the host, and a release that hangs delays no caller.
#include <workit/base/event.hpp>
#include "acceptance.hpp"

namespace workit::test {
namespace {

class BracketRelease : public acceptance {};

TEST_P(BracketRelease, ReleasesOnceInTheHostWhenItsUseWasStopped) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    std::string order;
    fixture.run([&](scope& s) {
      const auto host = getpid();
      auto t = s.spawn(bracket(
          [&] {
            order += 'a';
            return 1;
          },
          [&](context& ctx, int&) {
            order += 'u';
            return slow.body()(ctx);
          },
          [&, host](int&) {
            EXPECT_EQ(slow.live(), 0) << "it is released from under its user";
            EXPECT_EQ(getpid(), host);
            order += 'r';
          }));
      slow.await(s);
      t.cancel("enough");
      EXPECT_EQ(describe(t.result().why()), "manual: enough");
      fixture.returned();
      EXPECT_EQ(order, "aur");
    });
    fixture.outlast();
    EXPECT_EQ(order, "aur") << "exactly once";
  });
}

TEST_P(BracketRelease, StopsAReleaseThatOverrunsItsBoundAndDeliversTheValue) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    int overrun = 0;
    fixture.run([&](scope& s) {
      s.on_event([&](const lifecycle_event& e) {
         overrun += std::holds_alternative<event::cleanup_timed_out>(e.body);
       }).keep();
      EXPECT_EQ(bracket(
                    {.timeout = natural_end / 2}, [] { return 1; }, [](int& resource) { return resource + 4; },
                    [&](context& ctx, int&) { slow.body()(ctx); })(s),
                5);
      fixture.returned();
    });
    EXPECT_EQ(slow.begun(), 1);
    EXPECT_EQ(overrun, 1);
    fixture.outlast();
  });
}

TEST_P(BracketRelease, ControlArmAReleaseWithinItsBoundComesToItsEnd) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part("part", natural_end);
    fixture.run([&](scope& s) {
      EXPECT_EQ(bracket(
                    {.timeout = 1h}, [] { return 1; }, [](int& resource) { return resource + 4; },
                    [&](context& ctx, int&) { slow.body()(ctx); })(s),
                5);
      EXPECT_EQ(slow.ended(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BracketRelease, every_boundary(), name_of);

class BracketReleaseOnManualClock : public acceptance {};

TEST_P(BracketReleaseOnManualClock, ReleasesOnceHoweverItsUseEnds) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      std::string order;
      const auto acquire = [&] {
        order += 'a';
        return 1;
      };
      const auto release = [&](int&) { order += 'r'; };
      bracket(
          acquire, [&](int&) { order += 'u'; }, release)(s);
      EXPECT_EQ(order, "aur");
      order.clear();
      EXPECT_THROW(bracket(
                       acquire, [](int&) { throw std::runtime_error("use"); }, release)(s),
                   std::runtime_error);
      EXPECT_EQ(order, "ar");
      order.clear();
      const auto fails = []() -> int { throw std::runtime_error("acquire"); };
      EXPECT_THROW(bracket(
                       fails, [&](int&) { order += 'u'; }, release)(s),
                   std::runtime_error);
      EXPECT_EQ(order, "") << "there is nothing to release";
      const auto start = s.now();
      auto t = s.spawn(bracket(
          acquire, [](context& ctx, int&) { ctx.sleep_for(1h); }, release));
      s.sleep_for(30ms);
      t.cancel("enough");
      EXPECT_EQ(describe(t.result().why()), "manual: enough");
      EXPECT_EQ(order, "ar");
      EXPECT_EQ(s.now(), start + 30ms);
    });
  });
}

TEST_P(BracketReleaseOnManualClock, AReleaseThatHangsSettlesAtItsBoundAndWouldHangWithoutIt) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      std::vector<duration> overrun;
      s.on_event([&](const lifecycle_event& e) {
         if (const auto* late = std::get_if<event::cleanup_timed_out>(&e.body)) overrun.push_back(late->bound);
       }).keep();
      const auto hangs = [](context& ctx, int&) { ctx.sleep_for(1h); };
      const auto start = s.now();
      auto bounded = s.spawn(bracket(
          {.timeout = 150ms}, [] { return 1; }, [](int& r) { return r; }, hangs));
      auto unbounded = s.spawn(bracket(
          {.timeout = 2h}, [] { return 2; }, [](int& r) { return r; }, hangs));
      EXPECT_EQ(bounded.get(), 1);
      EXPECT_EQ(s.now(), start + 150ms);
      EXPECT_EQ(overrun, std::vector<duration>{150ms});
      s.sleep_for(100ms);
      EXPECT_EQ(unbounded.status(), task_status::running) << "the control arm";
      EXPECT_EQ(unbounded.get(), 2);
      EXPECT_EQ(s.now(), start + 1h);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BracketReleaseOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
