// fallback(): the second body after a failure of the first.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::failing;
using test::manual_runtime;
using test::sleeper;

class Fallback : public test::runtime_test {};

TEST_F(Fallback, RunsTheSecondOnlyWhenTheFirstFails) {
  manual_runtime rt;
  int second = 0;
  const auto other = [&] { return ++second; };
  EXPECT_EQ(rt.run(fallback(sleeper(1s, 7), other)), 7);
  EXPECT_EQ(second, 0);
  EXPECT_EQ(rt.run(fallback(failing(1s, "x"), other)), 1);
}

TEST_F(Fallback, RunsTheSecondAfterATimeOut) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(fallback(timeout(1s, sleeper(1h, 1)), [] { return 2; })), 2);
}

TEST_F(Fallback, ThrowsWhatTheSecondThrows) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] { rt.run(fallback(failing(1s, "first"), failing(1s, "second"))); }), "second");
}

TEST_F(Fallback, DoesNotReplaceWhatWasCancelled) {
  manual_runtime rt;
  bool ran = false;
  const auto other = [&] {
    ran = true;
    return 2;
  };
  rt.run([&](scope& s) {
    auto t = s.spawn(fallback(sleeper(1h, 1), other));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
    auto cancels_itself = [](context& ctx) {
      ctx.scope([](scope& in) {
        in.cancel("not wanted");
        in.check();
      });
      return 1;
    };
    EXPECT_THROW(fallback(cancels_itself, other)(s), scope_cancelled);
  });
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace workit
