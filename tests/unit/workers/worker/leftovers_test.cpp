// What a task has left behind: threads and descriptors of this process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <leftovers.hpp>
#include <thread>
#include <vector>
#include <workit/base/detail/sanitizers.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {
namespace {

class Leftovers : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(With, Leftovers, testing::Bool(),
                         [](const auto& of) { return of.param ? "ASandbox" : "NoSandbox"; });

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

class LeftDescriptors : public testing::Test {
 protected:
  void open_one() { open_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

  leftovers left_;
  std::vector<unique_fd> open_;
};

TEST_F(LeftDescriptors, AreThoseBeyondThatMany) {
  left_.begin(false);
  left_.begin_descriptors(3);
  const auto before = left_.descriptors();
  for (int i = 0; i < 3; ++i) open_one();
  EXPECT_FALSE(left_.exist(0)) << "what a library opens and keeps costs no worker";
  EXPECT_EQ(left_.descriptors(), before + 3);
  open_one();
  EXPECT_TRUE(left_.exist(0));
  open_.erase(open_.begin());  // the lowest of them: a hole does not hide the others
  EXPECT_FALSE(left_.exist(0));
  open_one();
  EXPECT_TRUE(left_.exist(0));
}

TEST_F(LeftDescriptors, AreCountedAtTimesThoughTheFirstThatIsTooManyIsNotThere) {
  left_.begin(false);
  left_.begin_descriptors(3);
  for (int i = 0; i < 9; ++i) open_one();
  open_.erase(open_.begin() + 3);
  int found = 0;
  for (int task = 0; task < 32; ++task) found += left_.exist(0) ? 1 : 0;
  EXPECT_EQ(found, 2);
}

TEST_F(LeftDescriptors, AreHalfOfTheRoomWhereThatIsLess) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  left_.begin(false);
  left_.begin_descriptors(0);
  const rlimit small{left_.descriptors() + 8, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  left_.begin_descriptors(64);
  for (int i = 0; i < 4; ++i) open_one();
  EXPECT_FALSE(left_.exist(0));
  open_one();
  EXPECT_TRUE(left_.exist(0));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(LeftDescriptors, WithoutALimitAreAsManyAsThereAre) {
  left_.begin(false);
  left_.begin_descriptors(0);
  for (int i = 0; i < 300; ++i) open_one();
  EXPECT_FALSE(left_.exist(0));
}

}  // namespace
}  // namespace workit::workers
