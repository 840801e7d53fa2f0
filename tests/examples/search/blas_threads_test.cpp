// use_calling_thread_only: a process that is about to fork has one thread.
#include "search/blas_threads.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <thread>

#include "model_directory.hpp"
#include "search/encoder.hpp"

namespace {

#if defined(__has_feature)
#define CHAT_TEST_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define CHAT_TEST_TSAN 1
#else
#define CHAT_TEST_TSAN 0
#endif
constexpr int own_threads = CHAT_TEST_TSAN ? 2 : 1;  // ThreadSanitizer adds one to every process

/// How many threads there are beside the program's own.
auto helpers() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/task"), directory_iterator()) - own_threads;
}

// Death tests of this style start the program anew, in which no other test has ended OpenBLAS's helpers.
class BlasThreadsDeathTest : public testing::Test {
 protected:
  BlasThreadsDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(BlasThreadsDeathTest, AProcessHasOneThreadAfterLoadingTheEncoder) {
  const auto model = chat::test::model_directory();
  EXPECT_EXIT(
      {
        const chat::encoder loaded(model);
        (void)loaded.embed("The quick brown fox jumps over the lazy dog.");
        _exit(helpers() == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(BlasThreadsDeathTest, WithoutItOpenblasHasAThreadPerFurtherProcessor) {
  if (std::thread::hardware_concurrency() < 2 || getenv("OPENBLAS_NUM_THREADS") != nullptr)
    GTEST_SKIP() << "OpenBLAS starts no helper here, so there is nothing to end";
  EXPECT_EXIT(_exit(helpers() > 0 ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST_F(BlasThreadsDeathTest, AForkedChildThatAsksAgainHasOneThreadToo) {
  EXPECT_EXIT(
      {
        chat::use_calling_thread_only();
        const pid_t child = fork();
        if (child == 0) {
          chat::use_calling_thread_only();
          _exit(helpers() == 0 ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) && helpers() == 0 ? WEXITSTATUS(status) : 2);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
