// print_tree_on(): the tree on a signal.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <atomic>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/watchdog.hpp>
#include <thread>
#include <workit/base/unique_fd.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/status/print_tree_on.hpp>

namespace workit {

using namespace std::chrono_literals;

// Not in an anonymous namespace: the test looks for its name in the stack.
[[gnu::noinline]] void hold_thread_while(const std::atomic<bool>& flag) {
  while (flag) std::this_thread::sleep_for(1us);  // a system call: ThreadSanitizer delivers signals there
}

namespace {

class PrintTreeOn : public test::runtime_test {
 protected:
  PrintTreeOn() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    out = unique_fd(ends[0]);
    in = unique_fd(ends[1]);
  }
  // What came, up to and with a line that has `mark` in it; what there is when none comes for a minute.
  std::string read_until(const std::string& mark) {
    std::string text;
    pollfd ready{out.get(), POLLIN, 0};
    while (text.find(mark) == std::string::npos || text.back() != '\n') {
      char part[4096];
      if (poll(&ready, 1, 60'000) != 1) break;
      const auto n = ::read(out.get(), part, sizeof part);
      if (n <= 0) break;
      text.append(part, static_cast<std::size_t>(n));
    }
    return text;
  }
  auto printer(int signal = SIGQUIT, duration patience = 30s) {
    return print_tree_on(signal, {.descriptor = in.get(), .patience = patience});
  }
  unique_fd out, in;
};

TEST_F(PrintTreeOn, PrintsAllRootsOfAllRuntimesOnTheSignal) {
  runtime shop({.name = "shop", .io_threads = 2}, printer());
  runtime other({.name = "other"});
  std::atomic<int> asleep{0};
  const auto body = [&](scope& s) {
    s.spawn({.name = "part"}, [](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1us);
    ++asleep;
    s.sleep_for(1h);
  };
  auto a = shop.spawn({.name = "a"}, body), b = shop.spawn({.name = "b"}, body), c = other.spawn({.name = "c"}, body);
  while (asleep != 3) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(raise(SIGQUIT), 0);
    auto text = read_until("2 tasks");
    while (text.find("1 task ") == std::string::npos) text += read_until("1 task ");
    for (const char* part : {"runtime shop", "-- a#", "-- b#", "runtime other", "-- c#", "waits for sleep"})
      EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in:\n" << text;
  }
  for (auto* t : {&a, &b, &c}) t->cancel("over");
}

TEST_F(PrintTreeOn, NamesAThreadThatIsHeldWithItsStack) {
  runtime rt({.name = "shop"}, printer(SIGQUIT, 10ms));
  std::atomic<bool> hold{true}, held{false};
  auto hog = rt.spawn({.name = "hog"}, [&](scope&) {
    held = true;
    hold_thread_while(hold);
  });
  while (!held) std::this_thread::yield();
  raise(SIGQUIT);
  const auto text = read_until("hold_thread_while");
  EXPECT_NE(text.find("I/O thread 0 does not answer: it is held by task \"hog\""), std::string::npos) << text;
  EXPECT_NE(text.find("hold_thread_while"), std::string::npos) << text;
  hold = false;
  hog.wait();
}

std::atomic<int> former{0};

TEST_F(PrintTreeOn, GivesTheSignalBack) {
  former = 0;
  struct sigaction mine {
  }, before{};
  mine.sa_handler = [](int) { ++former; };
  sigaction(SIGUSR2, &mine, &before);
  {
    runtime rt({.name = "shop"}, printer(SIGUSR2));
    raise(SIGUSR2);
    EXPECT_NE(read_until("0 tasks").find("runtime shop"), std::string::npos);
    EXPECT_EQ(former, 0);
  }
  raise(SIGUSR2);
  EXPECT_EQ(former, 1) << "the control: the former handler is there again";
  {
    runtime again({}, printer(SIGUSR2));
    raise(SIGUSR2);
    EXPECT_NE(read_until("0 tasks"), "");
  }
  sigaction(SIGUSR2, &before, nullptr);
}

TEST_F(PrintTreeOn, RefusesASecondOneForTheSameSignal) {
  runtime rt({}, printer());
  EXPECT_THROW(runtime({}, printer()), start_failed);
  EXPECT_NO_THROW(runtime({}, printer(SIGUSR2)));
  raise(SIGQUIT);
  EXPECT_NE(read_until("0 tasks"), "") << "the first one has it still";
}

TEST_F(PrintTreeOn, SurvivesSignalsWhileItStartsAndStops) {
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGUSR2, &ignore, &before);
  std::atomic<bool> over{false};
  std::thread storm([&] {
    while (!over) kill(getpid(), SIGUSR2);
  });
  const unique_fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  for (int i = 0; i < 30; ++i) {
    runtime rt({}, print_tree_on(SIGUSR2, {.descriptor = null.get(), .patience = 1ms}));
    rt.run([](scope& s) { s.yield(); });
  }
  over = true;
  storm.join();
  sigaction(SIGUSR2, &before, nullptr);
}

TEST_F(PrintTreeOn, RefusesSignalsThatItCannotServe) {
  for (const int wrong : {0, -1, NSIG, SIGKILL, SIGSTOP, SIGSEGV})
    EXPECT_REFUSED(static_cast<void>(print_tree_on(wrong)), "print_tree_on was given signal");
}

TEST_F(PrintTreeOn, HasAWordForAProcessWithoutRuntimes) {
  EXPECT_EQ(process_tree(), "no workit runtime is alive here\n");
}

TEST(Watchdog, PrintsTheTreeOfATestThatHangsAndAborts) {
  EXPECT_DEATH(
      {
        test::watchdog dog(20ms);
        runtime rt({.name = "shop"});
        dog.guard("Some.Test");
        rt.run({.name = "page"}, [](scope& s) { s.sleep_for(1h); });
      },
      "Some.Test hangs.*runtime shop\n.*page#[0-9]+ \\(running.*waits for sleep\\)");
}

TEST(Watchdog, LeavesATestAloneThatEndsInTime) {
  constexpr auto bound = 500us;
  bool in_time = false;
  for (int round = 0; round < 10 || !in_time; ++round) {  // a machine that is busy may be late itself
    std::atomic<int> barks{0};
    test::watchdog dog(bound, [&] { ++barks; });
    const auto began = std::chrono::steady_clock::now();
    dog.guard("Some.Test");
    dog.rest();
    in_time = std::chrono::steady_clock::now() - began < bound;
    std::this_thread::sleep_until(began + 2 * bound);
    if (in_time) {
      ASSERT_EQ(barks, 0);
    }
  }
}

}  // namespace
}  // namespace workit
