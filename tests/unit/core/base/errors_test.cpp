#include <gtest/gtest.h>

#include <csignal>
#include <type_traits>
#include <workit/base/errors.hpp>
#include <workit/cancelled.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_base_of_v<std::runtime_error, error>);
static_assert(std::is_base_of_v<error, task_cancelled> && std::is_base_of_v<error, scope_cancelled> &&
              std::is_base_of_v<error, timed_out> && std::is_base_of_v<error, worker_crashed> &&
              std::is_base_of_v<error, remote_error> && std::is_base_of_v<error, start_failed>);
// `catch (const std::exception&)` has to let it pass.
static_assert(!std::is_base_of_v<std::exception, cancelled>);
static_assert(!std::is_default_constructible_v<cancelled>, "only cancel points throw it");
static_assert(std::is_copy_constructible_v<cancelled>);

TEST(Errors, TaskCancelledNamesTheTaskAndTheReason) {
  const task_cancelled e(reason::manual{.tag = "quota"}, "fetch");
  EXPECT_STREQ(e.what(), "task \"fetch\" was cancelled: manual: quota");
  EXPECT_EQ(e.task(), "fetch");
  EXPECT_EQ(kind_of(e.why()), "manual");
}

TEST(Errors, ScopeCancelledNamesTheScopeAndTheReason) {
  const scope_cancelled e(reason::shutdown{}, "page");
  EXPECT_STREQ(e.what(), "scope \"page\" was cancelled: the runtime is shutting down");
  EXPECT_EQ(kind_of(e.why()), "shutdown");
}

TEST(Errors, TimedOutSaysHowLongWasAllowed) {
  const timed_out e("scope \"page\"", 250ms);
  EXPECT_STREQ(e.what(), "scope \"page\" took longer than 250 ms");
  EXPECT_EQ(e.limit(), 250ms);
  EXPECT_STREQ(timed_out("scope \"page\"", duration::max()).what(), "scope \"page\" passed its deadline");
}

TEST(Errors, WorkerCrashedSaysHowItDied) {
  const worker_crashed killed("rerank", SIGSEGV, 0);
  EXPECT_STREQ(killed.what(), "the worker of task \"rerank\" died of signal 11 (Segmentation fault)");
  EXPECT_EQ(killed.signal(), SIGSEGV);
  const worker_crashed left("rerank", 0, 3);
  EXPECT_STREQ(left.what(), "the worker of task \"rerank\" exited with code 3 before its task was done");
  EXPECT_EQ(left.exit_code(), 3);
}

TEST(Errors, RemoteErrorKeepsTypeAndMessageApart) {
  const remote_error e("std::invalid_argument", "no such column");
  EXPECT_STREQ(e.what(), "std::invalid_argument: no such column");
  EXPECT_EQ(e.type(), "std::invalid_argument");
  EXPECT_EQ(e.message(), "no such column");
}

}  // namespace
}  // namespace workit
