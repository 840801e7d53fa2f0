// The numbers of a pool, and its histogram.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <support/seed.hpp>

#include "pool_host.hpp"
#include "pool_tasks.hpp"

namespace workit::test {
namespace {

using namespace workers;

TEST(Log2Histogram, AnswersPercentilesWithinAnEighthOfTheTruth) {
  std::mt19937_64 random(seed());
  std::lognormal_distribution<double> lengths(12, 3);  // nanoseconds: from below a microsecond to minutes
  log2_histogram h;
  std::vector<double> truth;
  for (int i = 0; i < 20'000; ++i) {
    truth.push_back(std::max(1024.0, lengths(random)));
    h.record(std::chrono::nanoseconds(static_cast<std::int64_t>(truth.back())));
  }
  std::sort(truth.begin(), truth.end());
  for (const double p : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9}) {
    const auto exact = truth[static_cast<std::size_t>(p / 100 * static_cast<double>(truth.size())) - 1];
    const auto said = std::chrono::duration<double, std::nano>(h.percentile(p)).count();
    EXPECT_NEAR(said, exact, exact * 0.13) << p;
  }
  EXPECT_EQ(h.count(), 20'000U);
}

TEST(Log2Histogram, HoldsWhatIsNothingAndWhatIsTooMuch) {
  log2_histogram h;
  EXPECT_EQ(h.percentile(50), duration::zero());
  h.record(-1s);
  h.record(duration::zero());
  EXPECT_EQ(h.largest(), duration::zero());
  EXPECT_EQ(h.percentile(100), duration::zero());
  h.record(100h);
  EXPECT_EQ(h.percentile(100), 100h);
  EXPECT_EQ(h.sum(), 100h);
  EXPECT_EQ(h.count(), 3U);
  for (int i = 0; i < 97; ++i) h.record(10us);
  EXPECT_NEAR(std::chrono::duration<double>(h.percentile(99)).count(), 10e-6, 2e-6);
  EXPECT_EQ(h.percentile(99.5), 100h);
}

/// Running when this returns, since a worker was free.
job_ptr submit_endless(pool_host& host) {
  host.wait_until_whole();
  return host.submit(endless);
}

TEST(PoolNumbers, CountStopsByTheirReason) {
  pool_host host({.workers = 1});
  const auto stop = [&](cancel_reason why) {
    const auto task = submit_endless(host);
    task->cell->request(std::move(why));
    task->wait();
  };
  stop(reason::user{});
  stop(reason::manual{.tag = "client_disconnected"});
  stop(reason::manual{.tag = "client_disconnected"});
  const auto holder = submit_endless(host);
  const auto waiting = host.submit(endless);
  waiting->cell->request(reason::race_lost{});  // never began: a stop, but no kill
  holder->cell->request(reason::user{});
  holder->wait();
  host.call([] {});  // is no stop
  host.wait_until_whole();
  wait_until([&] { return host.pool.status().idle == 2; });  // the last one is replaced a little later
  const auto s = host.pool.status();
  EXPECT_EQ(s.stops.of<reason::user>(), 2U);
  EXPECT_EQ(s.stops.of<reason::manual>(), 2U);
  EXPECT_EQ(s.stops.of<reason::race_lost>(), 1U);
  EXPECT_EQ(s.stops.of<reason::shutdown>(), 0U);
  EXPECT_EQ(s.killed, 4U);
  EXPECT_EQ(s.stop_latency.count(), 4U);
  EXPECT_EQ(s.reclaim_latency.count(), 4U);
  EXPECT_GT(s.stop_latency.percentile(50), duration::zero());
  const auto text = render_pool("ranks\x1b", s);
  EXPECT_EQ(text.find("ranks?: 0 busy, 2 idle (1 spare)"), 0U) << text;
  EXPECT_NE(text.find("stopped, manual: 2"), std::string::npos) << text;
  EXPECT_NE(text.find("stop latency: 4, p50 "), std::string::npos) << text;
}

TEST(PoolNumbers, TellHowLongTasksWait) {
  pool_host host({.workers = 1, .spares = 0});
  const auto holder = submit_endless(host);
  EXPECT_EQ(host.pool.status().longest_wait, duration::zero());
  const auto first = host.submit([] {});
  const auto began = std::chrono::steady_clock::now();
  const auto second = host.submit([] {});
  std::this_thread::sleep_for(20ms);
  EXPECT_GE(host.pool.status().longest_wait, 20ms);
  EXPECT_EQ(host.pool.status().queued, 2U);
  holder->cell->request(reason::user{});
  first->wait();
  second->wait();
  const auto waited = std::chrono::steady_clock::now() - began;
  const auto s = host.pool.status();
  EXPECT_EQ(s.queue_wait.count(), 3U);
  EXPECT_GE(s.queue_wait.sum(), 40ms);
  EXPECT_LE(s.queue_wait.largest(), waited + 1s);
  EXPECT_EQ(s.queued, 0U);
}

TEST(PoolNumbers, TellHowLongAWorkerIsMissing) {
  pool_host host({.workers = 2, .spares = 1});
  EXPECT_EQ(host.pool.status().capacity_restore.count(), 0U) << "the first workers are no replacements";
  for (int i = 0; i < 5; ++i) {
    const auto task = submit_endless(host);
    task->cell->request(reason::user{});
    task->wait();
    wait_until([&] { return host.pool.status().idle == 3U; });
  }
  const auto s = host.pool.status();
  EXPECT_EQ(s.capacity_restore.count(), 5U);
  EXPECT_GT(s.capacity_restore.percentile(50), 10us);
  EXPECT_LE(s.capacity_restore.percentile(50), s.capacity_restore.largest());
}

TEST(PoolNumbers, ShowDyingWorkersUntilTheirMemoryIsBack) {
  pool_host host({.workers = 1});
  int seen = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const auto task = host.submit([] {
      constexpr std::size_t size = 256 << 20;
      void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      madvise(memory, size, MADV_NOHUGEPAGE);
      memset(memory, 1, size);
      for (;;) pause();
    });
    std::this_thread::sleep_for(100ms);
    task->cell->request(reason::user{});
    task->wait();
    seen += host.pool.status().unreclaimed == 1;
    host.wait_until_whole();
  }
  EXPECT_GT(seen, 0);
  const auto s = host.pool.status();
  EXPECT_LT(s.stop_latency.percentile(50), s.reclaim_latency.percentile(50));
}

}  // namespace
}  // namespace workit::test
