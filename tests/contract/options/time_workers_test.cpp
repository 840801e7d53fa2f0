// Every option of worker processes that takes a time, with the longest and the shortest there are.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/temporary_directory.hpp>
#include <thread>
#include <workit/workit.hpp>

#include "every_time.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

int add(int a, int b) { return a + b; }
void spin(std::int64_t ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
  }
}

class EveryTimeOfWorkers : public runtime_test {};

TEST_F(EveryTimeOfWorkers, OfACall) {
  runtime rt({}, processes({.workers = 1}));
  const auto sum = [&](const offload_options& options, const scope_options& around = {}) {
    return rt.run(around, offload(options, add, 40, 2));
  };
  time_option(
      "offload.hpp: timeout", [&](auto t) { EXPECT_EQ(sum({.timeout = t}), 42); },
      [&](auto t) { EXPECT_THROW(sum({.timeout = t}), timed_out); });
  time_option(
      "offload.hpp: grace",
      [&](auto t) {
        EXPECT_EQ(sum({.grace = t}), 42);
        EXPECT_EQ(sum({.grace = t}, {.deadline = 1h}), 42);
      },
      [&](auto t) { EXPECT_REFUSED((void)offload({.grace = t}, add, 1, 2), "less than zero"); });
  time_option(
      "process_limits.hpp: cpu", [&](auto t) { EXPECT_EQ(sum({.limits = {.cpu = t}}), 42); },
      [&](auto t) { EXPECT_REFUSED((void)offload({.limits = {.cpu = t}}, add, 1, 2), "more than zero"); });
}

TEST_F(EveryTimeOfWorkers, OfAPool) {
  const auto sum = [](const process_options& options) {
    runtime rt({}, processes(options));
    return rt.run(offload({}, add, 40, 2));
  };
  const auto of_limits = [](auto t) {
    process_options options{.workers = 1, .spares = 0};
    options.limits.cpu = t;
    return options;
  };
  with_the_longest([&](auto t) { EXPECT_EQ(sum(of_limits(t)), 42); });
  with_the_shortest([&](auto t) { EXPECT_THROW(sum(of_limits(t)), start_failed); });
  time_option(
      "process_options.hpp: idle_shrink",
      [&](auto t) { EXPECT_EQ(sum({.workers = 1, .spares = 0, .idle_shrink = t}), 42); },
      [&](auto t) { EXPECT_THROW(sum({.workers = 1, .idle_shrink = t}), start_failed); });
  time_option(
      "process_options.hpp: zygote_timeout",
      [&](auto t) { EXPECT_EQ(sum({.workers = 1, .spares = 0, .zygote_timeout = t}), 42); },
      [&](auto t) { EXPECT_THROW(sum({.workers = 1, .zygote_timeout = t}), start_failed); });
  time_option(
      "process_options.hpp: preload_timeout",
      [&](auto t) { EXPECT_EQ(sum({.workers = 1, .spares = 0, .preload = [] {}, .preload_timeout = t}), 42); },
      [&](auto t) { EXPECT_THROW(sum({.workers = 1, .preload = [] {}, .preload_timeout = t}), start_failed); });
  time_option(
      "process_options.hpp: worker_init_timeout",
      [&](auto t) { EXPECT_EQ(sum({.workers = 1, .spares = 0, .worker_init = [] {}, .worker_init_timeout = t}), 42); },
      [&](auto t) { EXPECT_THROW(sum({.workers = 1, .worker_init = [] {}, .worker_init_timeout = t}), start_failed); });
}

void run_until(const std::string& began, const std::string& end) {
  std::ofstream{began};
  while (!std::filesystem::exists(end)) {
  }
}

/// How the end of a pool went whose one worker has begun a task. Another task waits: that it is refused tells that the
/// end has begun, and then the first one may return.
workers::shutdown_report end_of_a_busy_pool(const workers::shutdown_options& how, bool returns) {
  const temporary_directory files;
  runtime rt({}, processes({.name = "busy", .workers = 1, .spares = 0, .on_shutdown = [](const auto&) {}}));
  auto runs = rt.spawn({}, offload({}, run_until, files.file("began"), files.file("end")));
  while (!files.has("began")) std::this_thread::yield();
  auto waits = rt.spawn({}, offload({}, add, 40, 2));
  const auto pool = find_pool(rt, "busy");
  while (pool->status().queued == 0) std::this_thread::yield();
  std::thread lets_return([&] {
    while (pool->status().queued != 0) std::this_thread::yield();
    if (returns) files.write("end", "");
  });
  auto report = close_pool(rt, "busy", how);
  lets_return.join();
  runs.wait();
  waits.wait();
  return report;
}

TEST_F(EveryTimeOfWorkers, OfTheEndOfAPool) {
  time_option(
      "process_pool.hpp: grace", [](auto t) { EXPECT_EQ(end_of_a_busy_pool({.grace = t}, true).finished, 1u); },
      [](auto t) { EXPECT_EQ(end_of_a_busy_pool({.grace = t}, false).killed, 1u); });
  time_option(
      "process_pool.hpp: reaping",
      [](auto t) {
        const auto report = end_of_a_busy_pool({.reaping = t}, false);
        EXPECT_EQ(report.killed, 1u);
        EXPECT_TRUE(report.unreaped.empty());
      },
      [](auto t) {
        EXPECT_LT(end_of_a_busy_pool({.reaping = t}, false).took, 30s) << "it waits for what cannot come";
      });
}

TEST_F(EveryTimeOfWorkers, OfAPoolThatIsDrainedOrReloaded) {
  runtime rt({}, processes({.name = "score", .workers = 1, .spares = 0}));
  const auto pool = find_pool(rt, "score");
  instant_option(
      "process_pool.hpp: until",
      [&](auto at) {
        auto root = rt.spawn({}, offload({}, spin, std::int64_t{5}));
        while (pool->status().busy == 0 && root.status() < task_status::succeeded) std::this_thread::yield();
        EXPECT_TRUE(pool->drain(at));
        root.wait();
        pool->reload(at);
        EXPECT_EQ(rt.run(offload({}, add, 40, 2)), 42);
      },
      [&](auto at) {
        EXPECT_TRUE(pool->drain(at)) << "nothing runs";
        EXPECT_THROW(pool->reload(at), timed_out);
        EXPECT_EQ(rt.run(offload({}, add, 40, 2)), 42);
      });
}

TEST(EveryTimeOfNumbers, IsRecorded) {
  time_option(
      "log2_histogram.hpp: d",
      [](auto t) {
        workers::log2_histogram all;
        for (int i = 0; i < 3; ++i) all.record(t);
        EXPECT_EQ(all.sum(), duration::max());
        EXPECT_EQ(all.largest(), duration::max());
      },
      [](auto t) {
        workers::log2_histogram all;
        all.record(t);
        EXPECT_EQ(all.sum(), duration::zero());
      });
}

}  // namespace
}  // namespace workit::test
