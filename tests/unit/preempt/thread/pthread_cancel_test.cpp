// The control arm of the thread boundary: asynchronous pthread_cancel breaks the same workloads.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <workit/preempt/stoppable_thread.hpp>

namespace workit::test {
namespace {

/// How many of 50 trials did not end well.
int broken_trials(const std::string& workload) {
  const auto command = std::string(WORKIT_CANCEL_WORKLOADS) + " 50 " + workload;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  char line[256];
  int well = 0, aborted = 0, hung = 0;
  while (output != nullptr && std::fgets(line, sizeof line, output.get()) != nullptr) {
    std::printf("%s", line);
    if (std::sscanf(line, (workload + " %d %d %d").c_str(), &well, &aborted, &hung) == 3) return aborted + hung;
  }
  ADD_FAILURE() << command << " printed no count";
  return 0;
}

// Those that break in a tenth of all trials at least, where none may here.
class PthreadCancel : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(PthreadCancel, Breaks) { EXPECT_GT(broken_trials(GetParam()), 0); }

INSTANTIATE_TEST_SUITE_P(OtherThanAStopInPlace, PthreadCancel,
                         ::testing::Values("BuildMaps", "SortStrings", "LockHalfOfTheTime", "ThrowThroughC"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace workit::test
