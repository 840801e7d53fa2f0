// Which signals the crash report handles, and how; what it writes is seen in the tests of whole workers.
#include <gtest/gtest.h>

#include <crash_report.hpp>
#include <csignal>
#include <map>

#include "own_block.hpp"

namespace workit::workers {
namespace {

class CrashReport : public testing::Test {
 protected:
  void SetUp() override {
    for (const int signal : signals) ::sigaction(signal, nullptr, &before_[signal]);
    ::sigaltstack(nullptr, &stack_before_);
  }
  void TearDown() override {
    for (const int signal : signals) ::sigaction(signal, &before_[signal], nullptr);
    ::sigaltstack(&stack_before_, nullptr);
  }

  static constexpr int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
  std::map<int, struct sigaction> before_;
  stack_t stack_before_{};
};

TEST_F(CrashReport, HandlesEveryFatalSignalOnAStackOfItsOwn) {
  static test::own_block block;
  static const std::atomic<int> no_event{-1};
  report_crashes_in(block.content, no_event);
  for (const int signal : signals) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    EXPECT_NE(action.sa_sigaction, before_[signal].sa_sigaction) << signal;
    EXPECT_NE(action.sa_flags & SA_ONSTACK, 0) << "it works when the stack has overflowed";
    EXPECT_NE(action.sa_flags & SA_SIGINFO, 0);
    EXPECT_EQ(::sigismember(&action.sa_mask, SIGTERM), 1) << "no other handler runs in between";
  }
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  EXPECT_GE(stack.ss_size, 64U * 1024);
}

}  // namespace
}  // namespace workit::workers
