// Whether this process may be forked, and what it knows of its children.
#include <gtest/gtest.h>

#include <unistd.h>
#include <atomic>
#include <child_list.hpp>
#include <fork_safety.hpp>
#include <process_setup.hpp>
#include <release_queue.hpp>
#include <thread>
#include <workit/workers/init.hpp>

namespace workit::workers {
namespace {

TEST(ForkSafety, TakesOneThread) {
  std::atomic<bool> over{false};
  const auto before = threads_in_user_code();
  std::atomic<bool> named{false};
  std::thread other([&] {
    pthread_setname_np(pthread_self(), "my-thread");
    named = true;
    over.wait(false);
  });
  while (!named) std::this_thread::yield();
  EXPECT_EQ(threads_in_user_code(), before + 1);
  for (const auto where : {threads_from::before_init, threads_from::preload}) {
    const auto why = why_unforkable(where);
    ASSERT_TRUE(why);
    EXPECT_TRUE(why->starts_with("the zygote has " + std::to_string(before + 1) + " threads")) << *why;
    EXPECT_NE(why->find("\"my-thread\""), std::string::npos) << *why;
    EXPECT_EQ(why->find("before workit::init") != std::string::npos, where == threads_from::before_init) << *why;
  }
  over = true;
  over.notify_all();
  other.join();
  EXPECT_EQ(threads_in_user_code(), before);
  EXPECT_EQ(why_unforkable(threads_from::preload).has_value(), before > baseline_threads())
      << "the test's watchdog may be one";
}

TEST(ChildList, IsReadAsTheKernelWritesIt) {
  EXPECT_EQ(parse_pids("12 345 6 "), (std::vector<pid_t>{12, 345, 6}));
  EXPECT_EQ(parse_pids("7"), std::vector<pid_t>{7});
  EXPECT_TRUE(parse_pids("").empty());
  EXPECT_EQ(parse_pids("8 x 9"), std::vector<pid_t>{8}) << "it stops at what is no number";
}

TEST(ReleaseQueue, FreesOneMemoryAtATimeInTheOrderOfTheDeaths) {
  release_queue queue;
  EXPECT_FALSE(queue.next());
  queue.add(1, 101);
  queue.add(2, 102);
  EXPECT_EQ(queue.next(), 101);
  EXPECT_FALSE(queue.next()) << "the first is not free yet";
  EXPECT_EQ(queue.ended(101), 1U);
  EXPECT_EQ(queue.next(), 102);
  EXPECT_FALSE(queue.ended(555)) << "an orphan";
  EXPECT_EQ(queue.ended(102), 2U);
  EXPECT_TRUE(queue.empty());
}

TEST(ReleaseQueue, TakesDeathsInAnyOrder) {
  release_queue queue;
  queue.add(1, 101);
  queue.add(2, 102);
  EXPECT_EQ(queue.next(), 101);
  EXPECT_EQ(queue.ended(102), 2U) << "another process has killed it";
  EXPECT_FALSE(queue.next()) << "the first is still dying";
  EXPECT_TRUE(queue.contains(101));
  EXPECT_FALSE(queue.contains(102));
}

// A zygote is its socket's; without one the argument is the user's own.
TEST(Init, RunsTheProgramWhenTheArgumentIsNotAZygotes) {
  char program[] = "program", none[] = "--workit-zygote=999", input[] = "--workit-zygote=0", other[] = "--help";
  for (char* argument : {none, input, other}) {
    char* arguments[] = {program, argument, nullptr};
    init(2, arguments);
    EXPECT_TRUE(init_was_called());
  }
}

}  // namespace
}  // namespace workit::workers
