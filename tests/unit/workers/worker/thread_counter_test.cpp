// How many threads this process has, by a descriptor that was opened before.
#include <gtest/gtest.h>

#include <atomic>
#include <process_setup.hpp>
#include <thread>
#include <thread_counter.hpp>

namespace workit::workers {
namespace {

TEST(ThreadCounter, CountsAThreadMore) {
  thread_counter counter;
  EXPECT_EQ(counter.count(), ~0U) << "more than any baseline before it was opened";
  counter.open();
  const auto before = counter.count();
  EXPECT_EQ(before, count_threads());
  EXPECT_GE(before, baseline_threads());
  std::atomic<bool> over{false};
  std::thread other([&] { over.wait(false); });
  EXPECT_EQ(counter.count(), before + 1);
  EXPECT_EQ(count_living_threads(), before + 1);
  over = true;
  over.notify_all();
  other.join();
  EXPECT_EQ(count_living_threads(), before) << "a thread that was joined does not count";
}

TEST(ProcessSetup, NamesTheProcess) {
  char before[16] = {}, after[16] = {};
  ::pthread_getname_np(::pthread_self(), before, sizeof before);
  set_process_name("workit-renamed");
  ::pthread_getname_np(::pthread_self(), after, sizeof after);
  set_process_name(before);
  EXPECT_STREQ(after, "workit-renamed");
}

}  // namespace
}  // namespace workit::workers
