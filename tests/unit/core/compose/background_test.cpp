// background(): work that its scope owns and that fails alone.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Background : public test::runtime_test {};

TEST_F(Background, IsOwnedByTheScopeAndDelaysItsEnd) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool audited = false;
  EXPECT_EQ(rt.run([&](scope& s) {
    background(s, [&](context& ctx) {
      ctx.sleep_for(20ms);
      audited = true;
    });
    return 7;
  }),
            7);
  EXPECT_TRUE(audited);
  EXPECT_EQ(rt.clock.now(), start + 20ms);
}

TEST_F(Background, FailsAloneWithATimeOutToo) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto failed = background(s, [] { throw std::runtime_error("unheard"); });
    auto late = background(s, {.name = "late"}, timeout(1s, sleeper(1h, 1)));
    s.sleep_for(2s);
    EXPECT_TRUE(failed.result().is_error());
    EXPECT_TRUE(late.result().is_error());
    EXPECT_EQ(late.name(), "late");
    EXPECT_FALSE(s.stopping());
  });
}

TEST_F(Background, IsCancelledWithTheScope) {
  manual_runtime rt;
  std::string heard;
  EXPECT_THROW(rt.run([&](scope& s) {
    background(s, sleeper(1h, 1, &heard));
    s.sleep_for(1ms);
    throw std::runtime_error("body");
  }),
               std::runtime_error);
  EXPECT_EQ(heard, "parent_failed");
}

TEST_F(Background, IsCancelledWhenASiblingFails) {
  manual_runtime rt;
  std::string heard;
  EXPECT_THROW(rt.run([&](scope& s) {
    background(s, sleeper(1h, 1, &heard));
    s.spawn(test::failing(1ms, "sibling"));
    s.sleep_for(2h);
  }),
               std::runtime_error);
  EXPECT_EQ(heard, "sibling_failed");
}

TEST_F(Background, OfATaskBelongsToTheScopeThatOwnsTheTask) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) { background(ctx, sleeper(1s, 1)); }).get();
    EXPECT_EQ(s.now(), start) << "the task does not wait for it";
  });
  EXPECT_EQ(rt.clock.now(), start + 1s);
}

}  // namespace
}  // namespace workit
