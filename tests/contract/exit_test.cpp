// exit() in a program with pools ends it with its status, from wherever it is called.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <support/fixture.hpp>
#include <workit/workit.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;

class ExitWithPoolsDeathTest : public runtime_test {
 protected:
  void SetUp() override {
    // LeakSanitizer takes for lost what only the stacks of fibers refer to, which live when such a process ends.
    setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    runtime_test::SetUp();
  }
};

void spin_until_killed() {
  for (volatile bool on = true; on;) {
  }
}
int leave_by_exit() { std::exit(7); }

template <class Body>
void run_with(bool is_static, std::size_t io_threads, Body body) {
  std::atexit([] { std::fputs("handlers ran\n", stderr); });
  static std::unique_ptr<runtime> kept;
  auto rt = std::make_unique<runtime>(runtime_options{.io_threads = io_threads}, processes({.workers = 1}), arena());
  if (is_static) kept = std::move(rt);
  (is_static ? kept : rt)->run([&](scope& s) { body(s); });
}

TEST_F(ExitWithPoolsDeathTest, OnAFiberBesideATaskThatSpins) {
  for (const bool is_static : {false, true})
    for (const std::size_t io_threads : {0, 1})
      EXPECT_EXIT(run_with(is_static, io_threads,
                           [](scope& s) {
                             auto spinning = s.spawn(offload({}, spin_until_killed));
                             s.sleep_for(2ms);
                             std::exit(7);
                           }),
                  testing::ExitedWithCode(7), "handlers ran")
          << is_static << io_threads;
}

// oneTBB 2021.8 crashes in the finalizer of its library when exit() was called on one of its threads, without workit as
// well; the program's own handlers have run by then.
bool leaves_with_7_or_by_tbb(int status) {
#if defined(__SANITIZE_ADDRESS__)
  if (testing::ExitedWithCode(1)(status)) return true;  // which AddressSanitizer makes of that signal
#endif
  return testing::ExitedWithCode(7)(status) || testing::KilledBySignal(SIGSEGV)(status);
}

TEST_F(ExitWithPoolsDeathTest, InATaskOfTheArena) {
  for (const bool is_static : {false, true})
    EXPECT_EXIT(
        run_with(is_static, 1, [](scope& s) { offload({.boundary = boundary::cooperative}, leave_by_exit)(s); }),
        leaves_with_7_or_by_tbb, "handlers ran")
        << is_static;
}

TEST_F(ExitWithPoolsDeathTest, InAReceiptOfAKilledTask) {
  for (const bool is_static : {false, true})
    EXPECT_EXIT(run_with(is_static, 1,
                         [](scope& s) {
                           try {
                             s.scope({.deadline = 2ms, .on_receipt = [](const scope_receipt&) { std::exit(7); }},
                                     [](scope& inner) { offload({}, spin_until_killed)(inner); });
                           } catch (const timed_out&) {
                           }
                           s.sleep_for(1h);
                         }),
                testing::ExitedWithCode(7), "handlers ran")
        << is_static;
}

}  // namespace
}  // namespace workit::test
