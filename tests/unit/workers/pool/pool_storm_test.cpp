// All kinds of events of a pool, at random and at once: each task is settled once, and nothing is left.
#include <gtest/gtest.h>

#include <random>
#include <support/descriptor_balance.hpp>
#include <support/processes_below.hpp>
#include <support/seed.hpp>
#include <workit/base/errors.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

void init() {}
int value(int x) { return x; }
void throwing() { throw 1; }
void crashing() { raise(SIGSEGV); }
void leaving_a_thread() {
  std::thread([] { pause(); }).detach();
}
void spin_endlessly() {
  for (;;) {
  }
}

/// What can be wrong at the end, other than a test that hangs.
void expect_settled(const std::vector<job_ptr>& tasks, bool zygotes_die) {
  for (const auto& t : tasks) {
    const auto& result = t->wait();
    EXPECT_EQ(t->times_settled(), 1);
    const auto* refused = std::get_if<job_not_started>(&result);
    EXPECT_TRUE(zygotes_die || refused == nullptr) << refused->why;
  }
}

class Storm : public descriptor_balance {
 protected:
  void run(bool zygotes_die, std::mt19937_64& random) {
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    process_options options{.workers = 1 + random() % 3, .spares = random() % 3};
    if (chance(30)) options.idle_shrink = 1ms;
    if (chance(50)) options.max_tasks = 1 + random() % 8;
    if (chance(50)) options.worker_init = init;
    pool_host host(options);
    std::vector<job_ptr> tasks, stopped;
    std::thread reloading;
    for (int i = 0; i < 150; ++i) {
      const auto kind = random() % 16;
      const job_terms terms{.priority = static_cast<task_priority>(random() % 3)};
      const auto task = kind == 0   ? host.make_job_on(terms, throwing)
                        : kind == 1 ? host.make_job_on(terms, crashing)
                        : kind == 2 ? host.make_job_on(terms, leaving_a_thread)
                        : kind <= 5 ? host.make_job_on(terms, spin_endlessly)
                                    : host.make_job_on(terms, value, i);
      tasks.push_back(task);
      host.pool.submit(task);
      if (kind >= 3 && kind <= 5) stopped.push_back(task);
      if (!stopped.empty() && chance(50)) {
        stopped.back()->cell->request(reason::user{});
        stopped.pop_back();
      }
      if (chance(2)) {
        if (reloading.joinable()) reloading.join();
        reloading = std::thread([&] { EXPECT_NO_THROW(host.pool.reload()); });
      }
      if (zygotes_die && chance(2))
        if (const auto zygote = host.pool.status().zygote; zygote != 0) kill(zygote, SIGKILL);
      if (chance(30)) std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
    }
    for (const auto& t : stopped) t->cell->request(reason::user{});
    if (reloading.joinable()) reloading.join();
    if (chance(50)) {
      expect_settled(tasks, zygotes_die);
      EXPECT_EQ(host.pool.status().busy, 0U);
      EXPECT_EQ(host.pool.status().queued, 0U);
    }
    const auto report = host.pool.stop();  // in the other half, in the middle of it all
    EXPECT_TRUE(report.unreaped.empty());
    EXPECT_EQ(report.unsettled, 0U);
    expect_settled(tasks, true);
    EXPECT_TRUE(processes_below().empty());
    // A thread on its way out of collect() may hold a block a moment longer; one that is kept hangs here for good.
    wait_until([] { return mapped_blocks() == 0; });
  }
};

TEST_F(Storm, OfStopsCrashesReloadsAndRecycling) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < 10; ++round) run(false, random);
}

TEST_F(Storm, InWhichZygotesAreKilledToo) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < 10; ++round) run(true, random);
}

}  // namespace
}  // namespace workit::test
