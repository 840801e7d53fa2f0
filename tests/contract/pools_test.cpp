// Several pools in one runtime, made with it and later, and what offload does with them.
#include <fcntl.h>

#include <algorithm>
#include <support/error_of.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

class Pools : public runtime_test {};

int preloaded_by = 0;
int twice(int x) { return 2 * x; }
int worker_pid() { return getpid(); }

TEST_F(Pools, OfOneRuntimeHaveEachTheirOwnPreload) {
  runtime rt({}, processes({.name = "small", .workers = 1, .preload = [] { preloaded_by = 1; }}),
             processes({.name = "large", .workers = 2, .preload = [] { preloaded_by = 2; }}));
  rt.run([](scope& s) {
    EXPECT_EQ(offload({.pool = "small"}, [] { return preloaded_by; })(s), 1);
    EXPECT_EQ(offload({.pool = "large"}, [] { return preloaded_by; })(s), 2);
    EXPECT_EQ(offload({}, [] { return preloaded_by; })(s), 1) << "without a name it is the first";
  });
}

TEST_F(Pools, OfOneNameAreRefused) {
  const auto two = [](auto... services) { runtime rt({}, std::move(services)...); };
  EXPECT_EQ(error_of([&] { two(processes({.workers = 1}), processes({.workers = 1})); }),
            "this runtime has two pools of processes called \"default\": give each a name of its own, by which "
            "offload finds it");
  EXPECT_EQ(error_of([&] { two(processes({.name = "a", .workers = 1}), processes({.name = "b", .workers = 1})); }), "")
      << "the control";
  EXPECT_NE(error_of([&] { two(arena({.threads = 1}), arena({.threads = 1})); }).find("two arenas called \"arena\""),
            std::string::npos);
  EXPECT_EQ(error_of([&] { two(arena({.name = "a", .threads = 1}), arena({.name = "b", .threads = 1})); }), "")
      << "the control";
}

TEST_F(Pools, AreOpenedWhileTheHostHasThreadsAndScopesAndClosedAgain) {
  runtime rt({.io_threads = 2}, processes_later());
  const auto use = [](const std::string& pool) {
    return [pool](scope& s) { return offload({.pool = pool}, [] { return preloaded_by; })(s); };
  };
  EXPECT_THROW(rt.run(use("late")), start_failed);
  for (int round = 1; round <= 3; ++round) {
    std::atomic<bool> over{false};
    std::thread noise([&] {  // whatever other threads hold as the zygote is made must not matter
      while (!over) std::vector<std::string>(10, std::string(1000, 'x')).clear();
    });
    open_pool(rt, {.name = "late", .workers = 1, .preload = [] { preloaded_by = 3; }});
    EXPECT_THROW(open_pool(rt, {.name = "late"}), start_failed);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(rt.run(use("late")), 3);  // on both threads
    over = true;
    noise.join();
    EXPECT_TRUE(close_pool(rt, "late").unreaped.empty());
    EXPECT_THROW(rt.run(use("late")), start_failed);
  }
  EXPECT_THROW(close_pool(rt, "late"), start_failed);
  EXPECT_EQ(preloaded_by, 0);
}

/// The numbers of the descriptors that a task finds open, as text.
std::string descriptors_of_a_task() {
  std::vector<int> numbers;
  for (int n = 0; n < 64; ++n)
    if (fcntl(n, F_GETFD) >= 0) numbers.push_back(n);
  std::string text;
  for (const int n : numbers) text += std::to_string(n) + ' ';
  return text;
}

TEST_F(Pools, GiveTheirTasksTheDescriptorsThatThePageLists) {
  const auto of = [](std::size_t io_threads, startup_call init, sandbox confined, worker_output output) {
    runtime rt({.io_threads = io_threads},
               processes({.workers = 1, .output = output, .sandbox = confined, .worker_init = std::move(init)}));
    return rt.run([](scope& s) { return offload({}, descriptors_of_a_task)(s); });
  };
  EXPECT_EQ(of(1, {}, sandbox::none, worker_output::inherit), "0 1 2 3 4 5 6 7 ");
  EXPECT_EQ(of(2, {}, sandbox::none, worker_output::inherit), "0 1 2 3 4 5 6 7 8 ");
  EXPECT_EQ(of(
                1, [] {}, sandbox::none, worker_output::inherit),
            "0 1 2 3 4 5 6 7 8 ");
  EXPECT_EQ(of(1, {}, sandbox::none, worker_output::captured), "0 1 2 3 4 5 6 7 ");
}

// Its own scope was not asked to stop: it goes on, and the error says that the pool was.
TEST_F(Pools, ThatAreClosedCancelWhatRunsInThemAndNotItsScope) {
  const marker_folder markers;
  runtime rt({}, processes({.name = "first", .workers = 1}));
  open_pool(rt, {.name = "late", .workers = 1});
  rt.run([&](scope& s) {
    auto running = s.spawn({.background = true}, offload({.pool = "late"}, spin_and_mark, markers.file("started"),
                                                         markers.file("ended"), std::int64_t{60'000}));
    markers.await("started", s);
    auto waiting = s.spawn({.background = true}, offload({.pool = "late"}, twice, 1));
    s.sleep_for(5ms);
    std::thread([&] { EXPECT_EQ(close_pool(rt, "late").killed, 1u); }).join();
    const auto ended = running.result();
    ASSERT_TRUE(ended.error() != nullptr);
    try {
      std::rethrow_exception(ended.error());
    } catch (const task_cancelled& e) {
      EXPECT_EQ(kind_of(e.why()), "shutdown");
    }
    EXPECT_EQ(kind_of(running.receipt().stops.at(0).why), "shutdown");
    EXPECT_THROW(static_cast<void>(waiting.get()), pool_stopped);
    EXPECT_FALSE(s.stopping());
    EXPECT_EQ(offload({.pool = "first"}, twice, 4)(s), 8);
  });
}

TEST_F(Pools, CountTheWorkersThatTheyHaveHadWithoutThatOfTheSelfTest) {
  runtime rt({}, processes({.name = "first", .workers = 1}), processes({.name = "second", .workers = 1}));
  for (const auto* name : {"first", "second"}) EXPECT_EQ(find_pool(rt, name)->status().started, 2u) << name;
}

TEST_F(Pools, OpenedLaterEndWithTheRuntime) {
  runtime rt({}, processes({.name = "first", .workers = 1}));
  const auto late = open_pool(rt, {.name = "late", .workers = 1});
  auto task = rt.spawn({}, [](scope& s) { return offload({.pool = "late"}, twice, 4)(s); });
  EXPECT_EQ(task.get(), 8);
  rt.shutdown();
  EXPECT_EQ(late->status().idle, 0U);
  EXPECT_THROW(open_pool(rt, {.name = "too late"}), start_failed);
}

TEST_F(Pools, OpenedByARuntimeWithoutTheServiceSayWhatToDo) {
  runtime rt;
  try {
    open_pool(rt, {});
    FAIL() << "where would it go?";
  } catch (const start_failed& e) {
    EXPECT_NE(std::string(e.what()).find("processes_later"), std::string::npos) << e.what();
  }
}

TEST_F(Pools, RefuseWithQueueFullAndRunTheUrgentFirst) {
  runtime rt({}, processes({.workers = 1, .spares = 0, .queue_limit = 2, .when_full = when_full::refuse}));
  marker_folder markers;
  rt.run([&](scope& s) {
    auto holder =
        s.spawn(offload({}, spin_and_mark, markers.file("started"), markers.file("ended"), std::int64_t{300}));
    markers.await("started", s);
    const auto append = [](std::string to, char c) { std::ofstream(to, std::ios::app) << c; };
    auto usual = s.spawn(offload({}, append, markers.file("order"), 'u'));
    auto urgent = s.spawn(offload({.priority = task_priority::high}, append, markers.file("order"), '!'));
    while (find_pool(s.runtime(), "")->status().queued < 2) s.sleep_for(1ms);
    try {
      offload({}, twice, 1)(s);
      ADD_FAILURE() << "there was no room";
    } catch (const queue_full& e) {
      EXPECT_EQ(e.limit(), 2U);
    }
    holder.wait();
    usual.wait();
    urgent.wait();
  });
  std::string order;
  std::ifstream(markers.file("order")) >> order;
  EXPECT_EQ(order, "!u");
}

TEST_F(Pools, LetACallThatFindsTheQueueFullWaitInItsScope) {
  runtime rt({}, processes({.workers = 1, .spares = 0, .queue_limit = 1}));
  marker_folder markers;
  rt.run([&](scope& s) {
    auto holder =
        s.spawn(offload({}, spin_and_mark, markers.file("started"), markers.file("ended"), std::int64_t{600'000}));
    markers.await("started", s);
    const auto pool = find_pool(s.runtime(), "");
    auto queued = s.spawn(offload({}, twice, 1));
    while (pool->status().queued < 1) s.sleep_for(1ms);
    auto patient = s.spawn(offload({}, twice, 2));
    auto cancelled = s.spawn(offload({}, twice, 3));
    while (pool->status().waiting < 2) s.sleep_for(1ms);
    EXPECT_THROW(offload({.timeout = 20ms}, twice, 4)(s), timed_out);
    EXPECT_EQ(pool->status().queued, 1U);
    EXPECT_EQ(pool->status().waiting, 2U);
    cancelled.cancel("enough");
    cancelled.wait();
    EXPECT_EQ(cancelled.status(), task_status::cancelled);
    EXPECT_EQ(pool->status().waiting, 1U);
    holder.cancel("enough");
    EXPECT_EQ(queued.get(), 2);
    EXPECT_EQ(patient.get(), 4);
  });
}

TEST_F(Pools, AreReloadedUnderRunningScopes) {
  runtime rt({}, processes({.workers = 1}));
  const auto pool = find_pool(rt, "");
  const auto pid = [&] { return rt.run([](scope& s) { return offload({}, worker_pid)(s); }); };
  const auto before = pid();
  EXPECT_EQ(pid(), before);
  std::atomic<bool> over{false};
  std::atomic<int> calls{0};
  std::thread load([&] {
    while (!over) calls += rt.run([](scope& s) { return offload({}, twice, 1)(s); }) == 2;
  });
  while (calls < 3) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) pool->reload();
  const auto seen = calls.load();
  while (calls < seen + 3) std::this_thread::yield();
  over = true;
  load.join();
  EXPECT_NE(pid(), before);
}

}  // namespace
}  // namespace workit::test
