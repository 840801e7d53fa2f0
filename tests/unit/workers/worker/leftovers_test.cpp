// What a task has left behind: threads of this process.
#include <gtest/gtest.h>

#include <atomic>
#include <leftovers.hpp>
#include <thread>

#include <workit/base/detail/sanitizers.hpp>

namespace workit::workers {
namespace {

class Leftovers : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(With, Leftovers, testing::Bool(),
                         [](const auto& info) { return info.param ? "ASandbox" : "NoSandbox"; });

TEST_P(Leftovers, AreThreadsThatWereNotThereBefore) {
#ifdef WORKIT_THREAD_SANITIZER
  GTEST_SKIP() << "leftovers expect the thread that ThreadSanitizer starts anew in a forked process, which this is not";
#endif
  leftovers left;
  left.begin(GetParam());
  EXPECT_FALSE(left.exist(0));
  std::atomic<bool> over{false};
  std::thread other([&] { over.wait(false); });
  EXPECT_TRUE(left.exist(0));
  EXPECT_FALSE(left.exist(1)) << "the worker's own do not count";
  over = true;
  over.notify_all();
  other.join();
  while (left.exist(0)) std::this_thread::yield();  // the kernel may count it for a moment
}

}  // namespace
}  // namespace workit::workers
