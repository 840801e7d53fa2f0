// exit() ends the process with its status wherever it is called.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <support/fixture.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

/// Each of these has a process of its own, in which nothing has run before.
class ExitDeathTest : public test::runtime_test {
 protected:
  void SetUp() override {
    // LeakSanitizer takes for lost what only the stacks of fibers refer to, which live when such a process ends.
    setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    runtime_test::SetUp();
  }
};

/// What a test's regular expression finds: that the handlers of atexit() have run, after static destructors.
constexpr auto handlers_ran = "destroyed.*handlers ran";

struct destroyed_at_exit {
  ~destroyed_at_exit() { std::fputs("destroyed ", stderr); }
};

void hear_of_exit() {
  std::atexit([] { std::fputs("handlers ran\n", stderr); });
  static const destroyed_at_exit one;
}

using test::manual_runtime;
const auto leaves_with_7 = testing::ExitedWithCode(7);

/// A runtime as most programs have it, or one that exit() would destroy.
template <class Body>
[[noreturn]] void run_with(runtime_options options, bool is_static, Body body) {
  hear_of_exit();
  if (is_static) {
    static std::unique_ptr<runtime> rt;
    rt = std::make_unique<runtime>(std::move(options));
    static const std::shared_ptr<void> ends_it(nullptr, [](void*) { rt.reset(); });
    body(*rt);
  } else {
    runtime rt(std::move(options));
    body(rt);
  }
  std::_Exit(1);
}

struct how {
  std::size_t io_threads;
  bool is_static;
};
constexpr how all_ways[] = {{1, false}, {0, false}, {2, false}, {1, true}, {0, true}, {2, true}};

TEST_F(ExitDeathTest, OnAFiberEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads}, way.is_static,
                         [](runtime& rt) {
                           rt.run([](scope& s) {
                             auto sleeping = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
                             s.spawn([](context& ctx) {
                                ctx.sleep_for(1ms);
                                std::exit(7);
                              }).wait();
                           });
                         }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, InTheBodyOfARootEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads}, way.is_static,
                         [](runtime& rt) { rt.run([](scope&) { std::exit(7); }); }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, InACleanupEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads}, way.is_static,
                         [](runtime& rt) { rt.run([](scope& s) { s.defer([] { std::exit(7); }); }); }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, InAnEventHandlerEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads, .on_event = [](const lifecycle_event&) { std::exit(7); }},
                         way.is_static, [](runtime& rt) { rt.run([](scope&) {}); }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, InAReceiptEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads}, way.is_static,
                         [](runtime& rt) {
                           rt.run([](scope& s) {
                             s.scope({.on_receipt = [](const scope_receipt&) { std::exit(7); }}, [](scope&) {});
                             s.sleep_for(1h);
                           });
                         }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, InAStopCallbackEndsTheProcess) {
  for (const auto& way : all_ways)
    EXPECT_EXIT(run_with({.io_threads = way.io_threads}, way.is_static,
                         [](runtime& rt) {
                           rt.run([](scope& s) {
                             const std::stop_callback stopped(s.stop_token(), [] { std::exit(7); });
                             s.cancel("enough");
                             s.sleep_for(1h);
                           });
                         }),
                leaves_with_7, handlers_ran)
        << way.io_threads << way.is_static;
}

TEST_F(ExitDeathTest, OnAnotherThreadBesideRunningWorkEndsTheProcess) {
  EXPECT_EXIT(run_with({}, false,
                       [](runtime& rt) {
                         auto task = rt.spawn({}, [](scope& s) { s.sleep_for(1h); });
                         std::thread([] { std::exit(7); }).join();
                       }),
              leaves_with_7, handlers_ran);
}

TEST_F(ExitDeathTest, OnAnotherThreadClosesTheScopesOfAStaticRuntime) {
  EXPECT_EXIT(run_with({}, true,
                       [](runtime& rt) {
                         std::atomic<bool> open{false};
                         auto task = rt.spawn({}, [&](scope& s) {
                           s.defer([] { std::fputs("cleanup ", stderr); });
                           open = true;
                           s.sleep_for(1h);
                         });
                         while (!open) std::this_thread::yield();
                         std::exit(7);
                       }),
              leaves_with_7, "cleanup destroyed.*handlers ran");
}

TEST_F(ExitDeathTest, AHandlerThatShutsTheRuntimeDownDoesNotWaitForWorkThatHasCalledExit) {
  static runtime* one = nullptr;
  EXPECT_EXIT(run_with({}, false,
                       [](runtime& rt) {
                         one = &rt;
                         std::atexit([] { one->shutdown(1h); });
                         rt.run([](scope&) { std::exit(7); });
                       }),
              leaves_with_7, handlers_ran);
}

TEST_F(ExitDeathTest, ThreadLocalsOfTheThreadAreDestroyed) {
  struct told {
    ~told() { std::fputs("thread_local ", stderr); }
  };
  EXPECT_EXIT(run_with({}, false,
                       [](runtime& rt) {
                         rt.run([](scope&) {
                           static thread_local told one;
                           [[maybe_unused]] volatile auto* const used = &one;
                           std::exit(7);
                         });
                       }),
              leaves_with_7, "thread_local destroyed.*handlers ran");
}

}  // namespace
}  // namespace workit
