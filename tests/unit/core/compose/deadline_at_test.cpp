// deadline_at(): a body bounded by an instant.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class DeadlineAt : public test::runtime_test {};

TEST_F(DeadlineAt, EndsTheBodyAtTheInstant) {
  manual_runtime rt;
  const auto at = rt.clock.now() + 10s;
  std::string heard;
  auto limited = deadline_at(at, sleeper(1h, 1, &heard));
  rt.run([&](scope& s) {
    s.sleep_for(4s);
    EXPECT_THROW(limited(s), timed_out);
    EXPECT_EQ(s.now(), at);
  });
  EXPECT_EQ(heard, "deadline");
}

TEST_F(DeadlineAt, DoesNotBeginOnceItHasPassedHoweverEarlyItWasMade) {
  manual_runtime rt;
  int ran = 0;
  auto limited = deadline_at(rt.clock.now() + 1s, [&] { return ++ran; });
  rt.run([&](scope& s) {
    EXPECT_EQ(limited(s), 1) << "in time it does";
    s.sleep_for(1s + 100ms);
    EXPECT_THROW(limited(s), timed_out);
  });
  EXPECT_EQ(ran, 1);
}

TEST_F(DeadlineAt, IsAFailureThatAFallbackSees) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(fallback(deadline_at(rt.clock.now() + 1s, sleeper(1h, 1)), [] { return 2; })), 2);
}

}  // namespace
}  // namespace workit
