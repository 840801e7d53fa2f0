// The errors: their types and sentences.
#include <gtest/gtest.h>

#include <csignal>
#include <type_traits>
#include <workit/base/cancelled.hpp>
#include <workit/base/worker_errors.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_base_of_v<std::runtime_error, error>);
static_assert(std::is_base_of_v<error, task_cancelled> && std::is_base_of_v<error, scope_cancelled> &&
              std::is_base_of_v<error, timed_out> && std::is_base_of_v<worker_error, worker_crashed> &&
              std::is_base_of_v<worker_error, remote_error> && std::is_base_of_v<error, start_failed> &&
              std::is_base_of_v<error, worker_error> && std::is_base_of_v<start_failed, queue_full> &&
              std::is_base_of_v<error, budget_exceeded> && std::is_base_of_v<error, budget_not_set> &&
              std::is_base_of_v<error, value_not_set> && std::is_base_of_v<error, invalid_amount>);
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

TEST(Errors, WorkerCrashedRepeatsTheLastLineOfItsOutput) {
  const auto said = [](std::string output) {
    return std::string(worker_crashed("rerank", crash_facts{.exit_code = 3}, {.output = std::move(output)}).what());
  };
  const std::string plain = said("");
  EXPECT_EQ(plain, "the worker of task \"rerank\" exited with code 3 before its task was done");
  EXPECT_EQ(said("first\nno \x1b[1mmodel\n\n"), plain + "; its last words: no ?[1mmodel");
  EXPECT_EQ(said("one line"), plain + "; its last words: one line");
  EXPECT_EQ(said(" \n\n"), plain);
  EXPECT_EQ(said(std::string(1000, 'x')),
            plain + "; its last words: " + std::string(172, 'x') + "... (cut: 1000 bytes in all)");
}

TEST(Errors, ZygoteLostSaysWhatBecameOfIt) {
  const zygote_lost e("rerank", "died of signal 9", {.worker = 7});
  EXPECT_STREQ(e.what(), "the worker of task \"rerank\" was lost with its zygote, which died of signal 9");
  EXPECT_EQ(e.zygote(), "died of signal 9");
  EXPECT_EQ(e.used().worker, 7);
}

TEST(Errors, KilledExternallyIsACrashWithAGuess) {
  const killed_externally e("rerank", out_of_memory::likely, {.worker = 7});
  EXPECT_STREQ(
      e.what(),
      "the worker of task \"rerank\" was killed by another process: probably by the kernel's out-of-memory killer");
  EXPECT_EQ(e.signal(), SIGKILL);
  EXPECT_EQ(e.used().worker, 7);
  EXPECT_EQ(to_string(e.oom()), "likely");
  EXPECT_NE(std::string(killed_externally("rerank", out_of_memory::no).what()).find("reports no lack"),
            std::string::npos);
}

TEST(Errors, ResourceExceededSaysOfWhatAndHowMuchWasAllowed) {
  EXPECT_STREQ(resource_exceeded("parse", resource::memory, 64).what(),
               "task \"parse\" reached its limit of 64 bytes of memory");
  EXPECT_STREQ(resource_exceeded("parse", resource::cpu, 2'000'000'000).what(),
               "task \"parse\" reached its limit of 2000 ms of processor time");
  EXPECT_STREQ(resource_exceeded("parse", resource::files, 16).what(),
               "task \"parse\" reached its limit of 16 open files");
  EXPECT_EQ(resource_exceeded("parse", resource::processes, 1).resource(), resource::processes);
}

TEST(Errors, SandboxViolatedNamesTheCall) {
  const sandbox_violated e("parse", 257, "openat");
  EXPECT_STREQ(e.what(), "task \"parse\" called openat, which its sandbox forbids");
  EXPECT_EQ(e.number(), 257);
}

TEST(Errors, PoolsThatTakeNoTaskSaySo) {
  EXPECT_STREQ(queue_full("parse", "cpu", 8).what(),
               "task \"parse\" was refused: 8 tasks are waiting in pool \"cpu\", as many as its queue_limit allows");
  EXPECT_STREQ(pool_stopped("parse", "cpu").what(), "task \"parse\" did not begin: pool \"cpu\" was stopped");
}

TEST(Errors, AggregateErrorKeepsWhatItIsMadeOfInItsOrder) {
  const aggregate_error e("all failed", {std::make_exception_ptr(1), std::make_exception_ptr(2)});
  EXPECT_STREQ(e.what(), "all failed");
  ASSERT_EQ(e.errors().size(), 2u);
  try {
    std::rethrow_exception(e.errors()[1]);
  } catch (int second) {
    EXPECT_EQ(second, 2);
  }
}

TEST(Errors, CircuitOpenSaysWhenToTryAgain) {
  EXPECT_STREQ(circuit_open("db", 6s).what(), "circuit \"db\" is open, for another 6000 ms");
  EXPECT_EQ(circuit_open("db", 6s).retry_after(), 6s);
  EXPECT_STREQ(circuit_open("db", 0s).what(), "circuit \"db\" is open: its trial calls are under way");
}

TEST(Errors, RemoteErrorKeepsTypeAndMessageApart) {
  const remote_error e("std::invalid_argument", "no such column");
  EXPECT_STREQ(e.what(), "std::invalid_argument: no such column");
  EXPECT_EQ(e.type(), "std::invalid_argument");
  EXPECT_EQ(e.message(), "no such column");
}

TEST(Errors, BudgetExceededSaysWhatFitsAndWhatDidNot) {
  const budget_exceeded e({.key = "tokens", .limit = 50, .spent = 75, .attempted = 50, .unit = "tok"});
  EXPECT_STREQ(e.what(), "budget \"tokens\" allows 50 tok; a charge of 50 would make it 75");
  EXPECT_EQ(e.key(), "tokens");
  EXPECT_EQ(e.unit(), "tok");
  EXPECT_EQ(e.limit(), 50);
  EXPECT_EQ(e.spent(), 75);
  EXPECT_EQ(e.attempted(), 50);
  EXPECT_STREQ(budget_exceeded({.key = "calls", .limit = 1, .spent = 2, .attempted = 1}).what(),
               "budget \"calls\" allows 1; a charge of 1 would make it 2");
}

TEST(Errors, WhatIsNotSetIsNamed) {
  EXPECT_STREQ(budget_not_set("tokens", "page").what(),
               "no budget \"tokens\" is set in \"page\" or above it: give one in scope_options.budgets");
  EXPECT_EQ(budget_not_set("tokens", "page").key(), "tokens");
  EXPECT_STREQ(value_not_set("tenant", "page").what(),
               "context key \"tenant\" is not set in \"page\" or above it, and has no default");
  EXPECT_EQ(value_not_set("tenant", "page").key(), "tenant");
}

}  // namespace
}  // namespace workit
