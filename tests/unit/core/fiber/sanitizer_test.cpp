// ThreadSanitizer and AddressSanitizer follow the switches of fibers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <support/fixture.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

#if defined(__SANITIZE_THREAD__)
// The control arm of every test that is said to be free of races: ThreadSanitizer, with the project's suppressions,
// does see one between a fiber and a thread, and none between two fibers of a loop.
TEST(SanitizerDeathTest, ReportsARaceBetweenAFiberAndAThread) {
  EXPECT_DEATH(
      {
        runtime rt;
        int counter = 0;
        std::thread racer;
        rt.run([&](scope& s) {
          racer = std::thread([&] {
            for (int i = 0; i < 100'000; ++i) ++counter;
          });
          for (int i = 0; i < 100'000; ++i) {
            ++counter;
            if (i % 1000 == 0) s.yield();
          }
        });
        racer.join();
      },
      "data race");
}

TEST(Sanitizer, TakesTheFibersOfALoopForOneThread) {
  runtime rt;
  int counter = 0;
  rt.run([&](scope& s) {
    for (int f = 0; f < 8; ++f)
      s.spawn([&](context& ctx) {
        for (int i = 0; i < 1000; ++i) {
          ++counter;
          ctx.yield();
        }
      });
  });
  EXPECT_EQ(counter, 8000);
}
#elif defined(__SANITIZE_ADDRESS__)
// At exit() LeakSanitizer reads each running stack up to its end, above which is the guard of the next one.
TEST(SanitizerDeathTest, ReadsTheStacksOfFibersAtExitAndNotTheirGuards) {
  EXPECT_EXIT(
      {
        runtime rt;
        rt.run([](scope& s) {
          s.sleep_for(std::chrono::milliseconds(1));
          std::exit(7);
        });
      },
      [](int) { return true; }, testing::Not(testing::HasSubstr("LeakSanitizer has encountered a fatal error")));
}
#endif

}  // namespace
}  // namespace workit
