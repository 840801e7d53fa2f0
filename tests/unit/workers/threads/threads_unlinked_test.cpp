// A program that does not link workit::preempt_thread is told so when its runtime starts, not at the first stop.
#include <gtest/gtest.h>

#include <support/fixture.hpp>
#include <workit/workers/threads.hpp>

namespace workit::test {
namespace {

TEST(ThreadsUnlinked, TheRuntimeSaysWhatToAdd) {
  try {
    runtime rt({}, threads({.threads = 1}));
    FAIL() << "it started";
  } catch (const start_failed& e) {
    const std::string said = e.what();
    EXPECT_TRUE(said.find("workit::preempt_thread") != std::string::npos || said.find("sanitizer") != std::string::npos)
        << said;
  }
}

TEST(ThreadsUnlinked, OptionsAreLookedAtFirst) {
  EXPECT_THROW(runtime({}, threads({.threads = 5000})), start_failed);
  EXPECT_THROW(runtime({}, threads({.name = ""})), start_failed);
  EXPECT_THROW(runtime({}, threads({.stack_size = 100})), start_failed);
  EXPECT_THROW(runtime({}, threads({.stop_timeout = std::chrono::milliseconds(-1)})), start_failed);
}

}  // namespace
}  // namespace workit::test
