// Ordinary C++ is stopped at any instruction, and its thread then runs the next task.
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>

#include "workloads.hpp"

namespace workit::test {
namespace {

class StopInPlace : public ::testing::TestWithParam<workload> {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(StopInPlace, TwoThousandTimes) {
  constexpr int stops = 2000;
  std::mt19937_64 random(seed());
  stopping_fixture fixture;
  const int checked_before = survivors_checked;
  int spoilt = 0;
  for (int i = 0; i < stops; ++i) {
    fixture.start(GetParam().body);
    wait_randomly(random);
    const auto stopped = fixture.stop();
    ASSERT_FALSE(stopped.let_out) << "stop " << i << " was refused: " << describe(stopped.why_not);
    ASSERT_TRUE(stopped.end.left) << "at stop " << i;
    spoilt += stopped.end.spoilt ? 1 : 0;
  }
  EXPECT_EQ(survivors_checked - checked_before + spoilt, stops);
}

// The control arm: a task that is not kicked runs on.
TEST_P(StopInPlace, NotWithoutAKick) {
  stopping_fixture fixture;
  fixture.start(GetParam().body);
  usleep(20000);
  EXPECT_FALSE(fixture.has_ended());
  let_out = true;
  fixture.stop();  // for those that sleep in the kernel
}

INSTANTIATE_TEST_SUITE_P(Of, StopInPlace, ::testing::ValuesIn(stoppable_workloads()),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace workit::test
