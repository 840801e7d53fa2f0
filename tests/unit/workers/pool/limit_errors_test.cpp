// What a caller of offload() sees of limits, kills and sandboxes, and that a task's own context works in a sandbox.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <workit/base/worker_errors.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/scope/scope.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/processes.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;

template <class Error, class F>
Error error_of(F&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  throw std::logic_error("it ended otherwise");
}

std::string text_of_length(std::size_t size) { return std::string(size, 'x'); }
void spin() {
  for (volatile int n = 0;;) n = n + 1;
}

TEST(LimitErrors, NameTheLimitThatWasReached) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([](scope& s) {
    const auto output =
        error_of<resource_exceeded>([&] { offload({.limits = {.output = 1000}}, text_of_length, 2000)(s); });
    EXPECT_EQ(output.resource(), resource::output);
    EXPECT_EQ(output.limit(), 1000U);
    EXPECT_GT(output.used().worker, 0);
    const auto cpu = error_of<resource_exceeded>([&] { offload({.limits = {.cpu = 50ms}}, spin)(s); });
    EXPECT_EQ(cpu.resource(), resource::cpu);
    EXPECT_NE(std::string(cpu.what()).find("50 ms"), std::string::npos) << cpu.what();
    EXPECT_EQ(offload({}, text_of_length, 2000)(s).size(), 2000U) << "the control arm";
  });
}

TEST(LimitErrors, AKillByTheTaskItselfIsNoneOfOurs) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([](scope& s) {
    const auto killed = error_of<killed_externally>([&] { offload({}, [] { raise(SIGKILL); })(s); });
    EXPECT_EQ(killed.signal(), SIGKILL);
    EXPECT_NE(killed.oom(), out_of_memory::likely);
  });
}

TEST(LimitErrors, WhatACallCannotLimitIsRefused) {
  EXPECT_THROW(offload({.limits = {.processes = 0}}, spin), std::invalid_argument);
  EXPECT_THROW(offload({.limits = {.cpu = 0ms}}, spin), std::invalid_argument);
  EXPECT_NO_THROW(offload({.limits = {.cpu = 1ms}}, spin));
}

TEST(SandboxErrors, NameTheSystemCallAndTheTasksContextWorks) {
  if (!workers::missing_for_sandbox().empty() || WORKIT_TEST_SLOWNESS > 1) GTEST_SKIP();
  runtime rt({}, processes({.workers = 1, .sandbox = sandbox::compute_only}));
  rt.run([](scope& s) {
    const auto open_something = [] { return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0; };
    const auto violated = error_of<sandbox_violated>([&] { offload({}, open_something)(s); });
    EXPECT_EQ(violated.name(), "openat");
    EXPECT_EQ(offload({.grace = 1s},
                      [](context& ctx) {
                        ctx.sleep_for(1ms);
                        return 7;
                      })(s),
              7);
  });
}

}  // namespace
}  // namespace workit::test
