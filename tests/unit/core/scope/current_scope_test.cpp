// current_scope(): the scope of the running task.
#include <gtest/gtest.h>

#include <stop_token>
#include <support/fixture.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class CurrentScope : public test::runtime_test {};

TEST_F(CurrentScope, IsTheInnermostThatTheFiberIsIn) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_EQ(current_scope(), &s);
    auto beside = s.spawn([&s](context& ctx) {
      EXPECT_EQ(current_scope(), &s) << "the owner of the task";
      ctx.scope([](scope& in) {
        EXPECT_EQ(current_scope(), &in);
        in.sleep_for(2s);
        EXPECT_EQ(current_scope(), &in) << "each fiber has its own";
      });
      EXPECT_EQ(current_scope(), &s);
    });
    s.scope([](scope& in) {
      in.sleep_for(1s);
      EXPECT_EQ(current_scope(), &in);
      in.defer([&in] { EXPECT_EQ(current_scope(), &in) << "in a cleanup, its owner's"; });
    });
    EXPECT_EQ(current_scope(), &s);
    beside.get();
  });
}

TEST_F(CurrentScope, OwnsWhatIsSpawnedThroughIt) {
  manual_runtime rt;
  const auto knows_no_context = [] { return current_scope()->spawn([] { return 6; }).get(); };
  EXPECT_EQ(rt.run([&](scope&) { return knows_no_context(); }), 6);
}

TEST_F(CurrentScope, IsNullWhereNoFiberRuns) {
  EXPECT_EQ(current_scope(), nullptr);
  bool asked = false;
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    std::thread([] { EXPECT_EQ(current_scope(), nullptr); }).join();
    const std::stop_callback on_the_loop(s.stop_token(), [&] {
      asked = true;
      EXPECT_EQ(current_scope(), nullptr);
    });
    s.cancel("stop");
    s.sleep_for(1h);
  }),
               scope_cancelled);
  EXPECT_TRUE(asked);
}

}  // namespace
}  // namespace workit
