// A fiber that overflows its stack says whose it is, and what a fiber has no room for is an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <csignal>
#include <regex>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <workit/base/detail/sanitizers.hpp>

namespace workit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

#if defined(WORKIT_ADDRESS_SANITIZER) || defined(WORKIT_THREAD_SANITIZER)
constexpr bool sanitized = true;  // its own handler is in front of the default action, and ends the process by exit
#else
constexpr bool sanitized = false;
#endif
constexpr auto reports = sanitized ? overflow_report::always : overflow_report::if_default;

bool ended_by_fault(int status) {
  return sanitized ? !testing::ExitedWithCode(0)(status) : testing::KilledBySignal(SIGSEGV)(status);
}

/// A runtime's handler of SIGSEGV is installed once in a process, so each of these has a process of its own.
class OverflowDeathTest : public test::runtime_test {};
class NestedScopes : public test::runtime_test {};

bool match(std::size_t characters) {
  static const std::regex letters("(a|b)*");
  return std::regex_match(std::string(characters, 'a'), letters);
}

[[gnu::noinline]] int recurse(volatile int& depth) {
  volatile char frame[512];
  depth = depth + 1;
  frame[0] = static_cast<char>(depth);
  return (depth < 0 ? 0 : recurse(depth)) + frame[0];
}
int overflow() {
  volatile int depth = 0;
  return recurse(depth);
}

/// Touches only the low end of frames that are larger than a page.
[[gnu::noinline]] int stride(volatile int& depth) {
  volatile char frame[40 * 1024];
  depth = depth + 1;
  frame[0] = static_cast<char>(depth);
  return (depth < 0 ? 0 : stride(depth)) + frame[0];
}

int nest(context& ctx, int levels) {
  return levels == 0 ? 0 : ctx.scope([levels](scope& s) { return nest(s, levels - 1) + 1; });
}

void run_matching(std::size_t stack_size) {
  runtime rt({.stack_size = stack_size, .overflow_report = reports});
  rt.run({.name = "request"},
         [](scope& s) { EXPECT_TRUE(s.spawn({.name = "parse"}, [] { return match(2'000); }).get()); });
}

TEST_F(OverflowDeathTest, NamesTheTaskItsScopeAndWhatToDo) {
  EXPECT_EXIT(run_matching(256 * 1024), ended_by_fault,
              AllOf(HasSubstr("task \"parse\" in scope \"request\" has overflowed its stack of "),
                    HasSubstr("runtime_options::stack_size"), HasSubstr("workit::offload")));
  run_matching(std::size_t{16} << 20);  // the control arm: it is the size alone
}

TEST_F(OverflowDeathTest, IsToldOfAHandlerToo) {
  const auto run = [] {
    runtime rt({.overflow_report = reports, .on_event = [](const lifecycle_event&) { overflow(); }});
    rt.run([](scope&) {});
  };
  // Events of scopes come on their fibers; a stop callback runs on the loop's own stack.
  EXPECT_EXIT(run(), ended_by_fault, HasSubstr("has overflowed its stack of "));
  const auto handle = [] {
    runtime rt({.overflow_report = reports});
    rt.run([](scope& s) {
      const std::stop_callback stopped(s.stop_token(), [] { overflow(); });
      s.cancel("enough");
      s.sleep_for(std::chrono::hours(1));
    });
  };
  EXPECT_EXIT(handle(), ended_by_fault, HasSubstr("a handler on I/O thread 0"));
}

TEST_F(OverflowDeathTest, IsToldOfFramesThatAreLargerThanAPage) {
  const auto run = [] {
    runtime rt({.overflow_report = reports});
    rt.run({.name = "request"}, [](scope&) {
      volatile int depth = 0;
      return stride(depth);
    });
  };
  EXPECT_EXIT(run(), ended_by_fault, HasSubstr("task \"request\" has overflowed"));
}

TEST_F(OverflowDeathTest, IsToldOfAFiberWithoutAnIoThread) {
  const auto run = [] {
    runtime rt({.io_threads = 0, .overflow_report = reports});
    rt.run({.name = "page"}, [](scope& s) { s.spawn({.name = "part"}, [] { return overflow(); }).get(); });
  };
  EXPECT_EXIT(run(), ended_by_fault, HasSubstr("task \"part\" in scope \"page\" has overflowed"));
}

TEST_F(OverflowDeathTest, OtherFaultsAreNone) {
  const auto run = [](overflow_report how) {
    runtime rt({.overflow_report = how});
    rt.run([](scope&) { *static_cast<volatile int*>(nullptr) = 1; });
  };
  EXPECT_EXIT(run(reports), ended_by_fault, Not(HasSubstr("overflowed its stack")));
  EXPECT_EXIT(run(overflow_report::never), ended_by_fault, Not(HasSubstr("overflowed its stack")));
}

TEST_F(OverflowDeathTest, ASignalThatWasSentEndsTheProcessToo) {
  const auto run = [] {
    runtime rt({.overflow_report = reports});
    rt.run([](scope&) { raise(SIGSEGV); });
  };
  EXPECT_EXIT(run(), ended_by_fault, Not(HasSubstr("overflowed its stack")));
}

/// `flags` beside SA_ONSTACK: with SA_SIGINFO the handler wants the address of the fault, too.
void with_a_handler_of_its_own(overflow_report how, int (*fault)(), int flags = 0) {
  struct sigaction own {};
  if ((flags & SA_SIGINFO) != 0)
    own.sa_sigaction = [](int, siginfo_t* info, void*) { _exit(info->si_addr != nullptr ? 42 : 43); };
  else
    own.sa_handler = [](int) { _exit(42); };
  own.sa_flags = SA_ONSTACK | flags;
  sigaction(SIGSEGV, &own, nullptr);
  runtime rt({.overflow_report = how});
  rt.run([&](scope&) { return fault(); });
}

TEST_F(OverflowDeathTest, AProgramsOwnHandlerIsLeftAlone) {
  EXPECT_EXIT(with_a_handler_of_its_own(overflow_report::if_default, overflow), testing::ExitedWithCode(42),
              Not(HasSubstr("overflowed")));
}

TEST_F(OverflowDeathTest, AProgramsOwnHandlerIsCalledAfterTheReport) {
  for (const int flags : {0, SA_SIGINFO})
    EXPECT_EXIT(with_a_handler_of_its_own(overflow_report::always, overflow, flags), testing::ExitedWithCode(42),
                HasSubstr("has overflowed its stack"));
  const auto wild = [] {
    volatile int* volatile nowhere = reinterpret_cast<volatile int*>(64);  // UBSan would find a null pointer first
    return *nowhere;
  };
  EXPECT_EXIT(with_a_handler_of_its_own(overflow_report::always, wild), testing::ExitedWithCode(42),
              Not(HasSubstr("overflowed")));
}

TEST_F(OverflowDeathTest, ControlArmWithoutTheReportAnOverflowIsABareFault) {
  const auto run = [] {
    runtime rt({.overflow_report = overflow_report::never});
    rt.run([](scope&) { return overflow(); });
  };
  EXPECT_EXIT(run(), ended_by_fault, Not(HasSubstr("has overflowed its stack of")));
}

TEST_F(NestedScopes, ThatDoNotFitAreAnErrorWithASentence) {
  runtime rt;
  const auto said = test::error_of([&] { rt.run([](scope& s) { return nest(s, 5'000); }); });
  EXPECT_THAT(said, AllOf(HasSubstr("scope \"scope\" was not opened: "), HasSubstr("KiB are left of its stack"),
                          HasSubstr("runtime_options::stack_size")));
  EXPECT_THROW(rt.run([](scope& s) { return nest(s, 5'000); }), stack_exhausted);
  EXPECT_EQ(rt.run([](scope& s) { return nest(s, 50); }), 50) << "the runtime goes on";
}

TEST_F(NestedScopes, FiveThousandFitIntoALargerStack) {
  runtime rt({.stack_size = std::size_t{16} << 20});
  EXPECT_EQ(rt.run([](scope& s) { return nest(s, 5'000); }), 5'000);
  const auto stopped = [&] {
    rt.run({.name = "request", .deadline = std::chrono::milliseconds(1)}, [](scope& s) {
      nest(s, 4'000);
      s.sleep_for(std::chrono::hours(1));
    });
  };
  EXPECT_THROW(stopped(), timed_out);
}

// ThreadSanitizer has a stack of its own for calls, which is smaller than theirs.
#ifdef WORKIT_THREAD_SANITIZER
constexpr int deep = 300;
#else
constexpr int deep = 3'000;
#endif

TEST_F(NestedScopes, OnTheCallersStackKnowItsEndToo) {
#ifdef WORKIT_THREAD_SANITIZER
  GTEST_SKIP() << "the caller's stack is larger than that which ThreadSanitizer has for calls";
#endif
  runtime rt({.io_threads = 0});
  EXPECT_THROW(rt.run([](scope& s) { return nest(s, 1'000'000); }), stack_exhausted);
  EXPECT_EQ(rt.run([](scope& s) { return nest(s, 50); }), 50);
}

TEST_F(NestedScopes, OneInTheOtherAcrossTasksNeedNoLargerStack) {
  runtime rt;
  constexpr int levels = deep;
  std::function<int(context&, int)> below = [&](context& ctx, int n) -> int {
    if (n == 0) return 0;
    return ctx.scope([&, n](scope& s) { return s.spawn([&, n](context& c) { return below(c, n - 1); }).get() + 1; });
  };
  EXPECT_EQ(rt.run([&](scope& s) { return below(s, levels); }), levels);
}

TEST_F(NestedScopes, AStackSizeThatCannotBeIsRefused) {
  EXPECT_REFUSED(runtime({.stack_size = 1024}), "stack_size is 1024 bytes; it may be 64 KiB to 1 GiB");
  EXPECT_REFUSED(runtime({.stack_size = std::size_t{2} << 30}), "it may be 64 KiB to 1 GiB");
  EXPECT_EQ(runtime({.stack_size = std::size_t{64} << 10}).run([](scope&) { return 1; }), 1);
}

}  // namespace
}  // namespace workit
