// Snapshots of the tree, as structures and as JSON.
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::manual_runtime;

class Snapshot : public test::runtime_test {};

const task_snapshot& find(const scope_snapshot& s, std::string_view name) {
  for (const auto& t : s.tasks)
    if (t.name == name) return t;
  throw std::out_of_range(std::string(name));
}

TEST_F(Snapshot, TellsOfTasksInEveryState) {
  manual_runtime rt;
  rt.run({.name = "page", .deadline = 1h}, [](scope& s) {
    s.spawn({.name = "done"}, [](context& ctx) { ctx.sleep_for(2s); });
    s.spawn({.name = "failed", .background = true}, [] { throw std::runtime_error("boom"); });
    s.spawn({.name = "stopped"}, [](context& ctx) { ctx.sleep_for(1h); }).cancel("enough");
    s.spawn({.name = "asleep", .kind = task_kind::llm}, [](context& ctx) { ctx.sleep_for(30s); });
    s.sleep_for(5s);
    s.spawn({.name = "queued"}, [] {});
    const auto snap = s.status();
    EXPECT_EQ(snap.id, s.id());
    EXPECT_EQ(snap.name, "page");
    EXPECT_EQ(snap.state, scope_state::running);
    EXPECT_EQ(snap.taken, s.now());
    EXPECT_EQ(snap.open, 5s);
    EXPECT_EQ(snap.deadline.remaining(snap.taken), 1h - 5s);
    EXPECT_FALSE(snap.stopping);
    EXPECT_EQ(snap.waits_for, "") << "it is the one that asks";
    EXPECT_EQ(snap.counts.pending, 1u);
    EXPECT_EQ(snap.counts.running, 1u);
    EXPECT_EQ(snap.counts.succeeded, 1u);
    EXPECT_EQ(snap.counts.failed, 1u);
    EXPECT_EQ(snap.counts.cancelled, 1u);
    EXPECT_EQ(snap.counts.total(), 5u);
    std::vector<std::string> order;
    for (const auto& t : snap.tasks) order.push_back(t.name);
    EXPECT_EQ(order, (std::vector<std::string>{"done", "failed", "stopped", "asleep", "queued"}));
    EXPECT_EQ(find(snap, "done").took, 2s);
    EXPECT_EQ(find(snap, "done").status, task_status::succeeded);
    EXPECT_EQ(find(snap, "failed").failure.value().what, "boom");
    EXPECT_TRUE(find(snap, "failed").background);
    EXPECT_EQ(describe(find(snap, "stopped").stopping.value().why), "manual: enough");
    EXPECT_FALSE(find(snap, "stopped").started) << "it was cancelled in the queue";
    EXPECT_EQ(find(snap, "asleep").waits_for, "sleep");
    EXPECT_EQ(find(snap, "asleep").took, 5s);
    EXPECT_EQ(find(snap, "asleep").kind, task_kind::llm);
    EXPECT_EQ(find(snap, "queued").status, task_status::pending);
    EXPECT_EQ(find(snap, "queued").waits_for, "its turn");
  });
}

TEST_F(Snapshot, SaysWhatEachFiberWaitsFor) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    auto sleeper = s.spawn({.name = "sleeps"}, [](context& ctx) { ctx.sleep_for(1h); });
    s.spawn({.name = "joins"}, [sleeper]() mutable { sleeper.wait(); });
    s.spawn({.name = "opens"}, [](context& ctx) {
      ctx.scope({.name = "inner"}, [](scope& in) { in.spawn({.name = "part"}, [](context& c) { c.sleep_for(1h); }); });
    });
    s.spawn({.name = "cleans"}, [](context& ctx) { ctx.defer({.timeout = 2h}, [](context& c) { c.sleep_for(1h); }); });
    s.sleep_for(1min);
    const auto snap = s.status();
    EXPECT_EQ(find(snap, "sleeps").waits_for, "sleep");
    EXPECT_EQ(find(snap, "joins").waits_for, "task");
    EXPECT_FALSE(find(snap, "joins").in_cleanup);
    EXPECT_EQ(find(snap, "opens").waits_for, "its scope");
    ASSERT_EQ(find(snap, "opens").scopes.size(), 1u);
    EXPECT_EQ(find(snap, "opens").scopes[0].waits_for, "its tasks");
    EXPECT_EQ(find(snap, "opens").scopes[0].tasks.at(0).waits_for, "sleep");
    EXPECT_EQ(find(snap, "cleans").waits_for, "sleep");
    EXPECT_TRUE(find(snap, "cleans").in_cleanup);
    s.spawn([&] {
       EXPECT_EQ(find(s.status(), "sleeps").waits_for, "sleep");
       EXPECT_EQ(s.status().waits_for, "task") << "the body waits for this one";
     }).get();
  });
}

TEST_F(Snapshot, ShowsScopesBelowAScopeAndThoseInACleanup) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    scope_snapshot in_cleanup;
    s.scope({.name = "left"}, [&](scope& left) {
      left.defer([&](context& ctx) { ctx.scope({.name = "last words"}, [&](scope&) { in_cleanup = s.status(); }); });
      const auto snap = s.status();
      ASSERT_EQ(snap.scopes.size(), 1u);
      EXPECT_EQ(snap.scopes[0].name, "left");
      EXPECT_EQ(snap.scopes[0].id, left.id());
      EXPECT_FALSE(snap.scopes[0].in_cleanup);
    });
    ASSERT_EQ(in_cleanup.scopes.size(), 1u);
    EXPECT_TRUE(in_cleanup.scopes[0].in_cleanup);
    EXPECT_EQ(in_cleanup.scopes[0].state, scope_state::closing);
    ASSERT_EQ(in_cleanup.scopes[0].scopes.size(), 1u);
    EXPECT_EQ(in_cleanup.scopes[0].scopes[0].name, "last words");
    EXPECT_TRUE(s.status().scopes.empty()) << "closed ones are gone";
  });
}

// The state of the tree above is that of the scopes below, at once: not only once the loop has delivered it.
TEST_F(Snapshot, ClosesAllBelowACancelledScopeAtOnce) {
  manual_runtime rt;
  EXPECT_THROW(rt.run({.name = "page"},
                      [](scope& s) {
                        s.spawn({.name = "opens"}, [](context& ctx) {
                          ctx.scope({.name = "inner"}, [](scope& in) { in.sleep_for(1h); });
                        });
                        s.sleep_for(1s);
                        EXPECT_EQ(s.status().tasks[0].scopes.at(0).state, scope_state::running);
                        s.cancel("enough");
                        const auto snap = s.status();
                        const auto& inner = snap.tasks[0].scopes.at(0);
                        EXPECT_EQ(snap.state, scope_state::closing);
                        EXPECT_EQ(inner.state, scope_state::closing);
                        EXPECT_EQ(describe(inner.stopping.value().why), "manual: enough");
                        EXPECT_GE(inner.stopping->since, 0ns);
                        EXPECT_EQ(snap.tasks[0].status, task_status::running);
                        EXPECT_TRUE(snap.tasks[0].stopping);
                        s.check();
                      }),
               scope_cancelled);
}

TEST_F(Snapshot, KeepsTheLastThirtyTwoThatEndedAndCountsAll) {
  manual_runtime rt;
  rt.run([](scope& s) {
    for (int i = 0; i < 100; ++i) s.spawn({.name = std::to_string(i)}, [] {}).get();
    const auto snap = s.status();
    EXPECT_EQ(snap.counts.succeeded, 100u);
    ASSERT_EQ(snap.tasks.size(), 32u);
    EXPECT_EQ(snap.tasks.front().name, "68");
    EXPECT_EQ(snap.tasks.back().name, "99");
    EXPECT_EQ(snap.tasks_forgotten, 68u);
  });
}

TEST_F(Snapshot, CountsTasksThatWereBornCancelled) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.cancel("enough");
    s.spawn({.name = "late"}, [] {});
    const auto snap = s.status();
    EXPECT_EQ(snap.counts.cancelled, 1u);
    EXPECT_EQ(snap.tasks.at(0).status, task_status::cancelled);
    EXPECT_EQ(snap.tasks[0].age, 0ns);
  });
}

TEST_F(Snapshot, IsACopyThatChangesNoMore) {
  manual_runtime rt;
  scope_snapshot before;
  rt.run([&](scope& s) {
    auto t = s.spawn({.name = "part"}, [](context& ctx) { ctx.sleep_for(1s); });
    s.sleep_for(500ms);
    before = s.status();
    t.get();
    EXPECT_EQ(s.status().counts.succeeded, 1u);
  });
  EXPECT_EQ(before.counts.running, 1u);
  EXPECT_EQ(before.tasks.at(0).status, task_status::running);
  EXPECT_EQ(before.tasks.at(0).waits_for, "sleep");
}

TEST_F(Snapshot, OfARemoteScopeWaitsForTheLoop) {
  runtime rt;
  std::atomic<bool> hogging{false}, go{false};
  std::optional<remote_scope> remote;
  auto root = rt.spawn({.name = "page"}, [&](scope& s) {
    s.spawn({.name = "part"}, [](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1us);
    remote = s.remote();
    hogging = true;
    hogging.notify_all();
    go.wait(false);  // holds the loop
    s.sleep_for(1h);
  });
  hogging.wait(false);
  std::thread releases([&] {
    go = true;
    go.notify_all();
  });
  const auto snap = remote->status();
  releases.join();
  EXPECT_TRUE(go) << "it cannot have been answered before";
  EXPECT_EQ(snap.name, "page");
  EXPECT_EQ(snap.tasks.at(0).waits_for, "sleep");
  root.cancel("over");
  EXPECT_FALSE(root.result().has_value());
  const auto closed = remote->status();
  EXPECT_EQ(closed.state, scope_state::closed);
  EXPECT_EQ(closed.counts.cancelled, 1u);
  EXPECT_EQ(closed.tasks.at(0).name, "part");
}

TEST_F(Snapshot, OfARemoteScopeOutlivesTheRuntime) {
  std::optional<remote_scope> remote;
  {
    manual_runtime rt;
    rt.run({.name = "page"}, [&](scope& s) {
      remote = s.remote();
      s.spawn([] {});
      s.sleep_for(3s);
    });
  }
  const auto closed = remote->status();
  EXPECT_EQ(closed.state, scope_state::closed);
  EXPECT_EQ(closed.open, 3s);
  EXPECT_EQ(closed.counts.succeeded, 1u);
}

TEST_F(Snapshot, OfARuntimeShowsAllRootsFromWhereverItIsAsked) {
  runtime rt({.name = "shop", .io_threads = 2});
  std::vector<task<void>> roots;
  std::atomic<int> begun{0};
  for (int i = 0; i < 4; ++i)
    roots.push_back(rt.spawn({.name = "root " + std::to_string(i)}, [&](scope& s) {
      ++begun;
      s.sleep_for(1h);
    }));
  while (begun != 4) std::this_thread::yield();
  const auto outside = rt.status();
  EXPECT_EQ(outside.name, "shop");
  EXPECT_EQ(outside.roots.size(), 4u);
  // Two fibers on two loops ask at once: each waits for the other's loop, and neither holds its own.
  auto ask = [&](scope& s) { return s.runtime().status().roots.size(); };
  auto one = rt.spawn({.name = "asks"}, ask), two = rt.spawn({.name = "asks"}, ask);
  EXPECT_GE(one.get(), 5u);
  EXPECT_GE(two.get(), 5u);
  for (auto& r : roots) r.cancel("over");
}

TEST_F(Snapshot, OfARuntimeNamesRootsThatHaveNotBegun) {
  manual_runtime rt;
  rt.run({.name = "first"}, [&](scope& s) {
    auto second = rt.rt.spawn({.name = "second"}, [](scope&) {});
    s.yield();
    // The post has arrived by now, or arrives in one of the next turns.
    auto snap = rt.rt.status();
    for (int i = 0; i < 1000 && snap.queued.empty() && second.status() == task_status::pending; ++i) {
      s.yield();
      snap = rt.rt.status();
    }
    EXPECT_EQ(snap.roots.at(0).name, "first");
    second.wait();
    EXPECT_EQ(rt.rt.status().queued.size(), 0u);
  });
}

TEST_F(Snapshot, CanBeAskedForByAHandlerOfTheOnlyLoop) {
  runtime* asked = nullptr;
  std::vector<std::size_t> roots;
  runtime rt({.on_event = [&](const lifecycle_event& e) {
    if (kind_of(e) == "task_started" && e.name == "part") roots.push_back(asked->status().roots.size());
  }});
  asked = &rt;
  rt.run([](scope& s) { s.spawn({.name = "part"}, [] {}); });
  EXPECT_EQ(roots, (std::vector<std::size_t>{1}));
}

TEST_F(Snapshot, IsGivenUpWhenTheAskingScopeIsStopped) {
  runtime rt({.io_threads = 2});
  std::atomic<bool> held{false}, release{false}, asking{false};
  auto hog = rt.spawn({.name = "hog"}, [&](scope&) {
    held = true;
    held.notify_all();
    release.wait(false);
  });
  held.wait(false);
  bool gave_up = false;
  auto asks = rt.spawn({.name = "asks"}, [&](scope& s) {
    asking = true;
    asking.notify_all();
    try {
      static_cast<void>(s.runtime().status());
    } catch (const cancelled&) {
      gave_up = true;
      throw;
    }
  });
  asking.wait(false);
  asks.cancel("enough");
  asks.wait();  // the other loop is blocked
  EXPECT_TRUE(gave_up);
  EXPECT_FALSE(release);
  release = true;
  release.notify_all();
  hog.wait();
}

void descend(context& ctx, int levels, const std::function<void()>& at_the_bottom) {
  if (levels == 0) return at_the_bottom();
  ctx.scope({.name = "level"},
            [&](scope& s) { s.spawn([&, levels](context& c) { descend(c, levels - 1, at_the_bottom); }).get(); });
}

TEST_F(Snapshot, CutsATreeThatIsDeeperThanAHundredScopes) {
  const auto depth_of = [](int levels) {
    manual_runtime rt;
    int depth = 0;
    bool cut = false;
    rt.run([&](scope& top) {
      descend(top, levels, [&] {
        const auto all = top.status();
        const auto* s = &all;
        while (!s->tasks.empty() || !s->scopes.empty()) {
          s = s->scopes.empty() ? (s->tasks[0].scopes.empty() ? nullptr : &s->tasks[0].scopes[0]) : &s->scopes[0];
          if (s == nullptr) break;
          ++depth;
          cut = cut || s->cut;
        }
      });
    });
    return std::pair(depth, cut);
  };
  EXPECT_EQ(depth_of(99), std::pair(99, false));
  EXPECT_EQ(depth_of(300), std::pair(100, true));
}

// Other threads ask while tasks come and go: the copies are whole, and no thread waits for ever.
TEST_F(Snapshot, StaysConsistentWhileTheTreeChanges) {
  static_cast<void>(test::seed());
  runtime rt({.io_threads = 2});
  std::atomic<bool> over{false};
  std::vector<task<void>> roots;
  for (int r = 0; r < 2; ++r)
    roots.push_back(rt.spawn(scope_options{}, [&](scope& s) {
      while (!over) {
        s.scope([](scope& in) {
          for (int i = 0; i < 8; ++i) in.spawn([](context& ctx) { ctx.yield(); });
        });
      }
    }));
  for (int i = 0; i < 200; ++i) {
    const auto snap = rt.status();
    for (const auto& root : snap.roots)
      for (const auto& below : root.scopes) {
        EXPECT_LE(below.counts.total(), 8u);
        EXPECT_EQ(below.tasks.size(), below.counts.total());
      }
  }
  over = true;
}

TEST_F(Snapshot, IsMisuseOnAnotherThread) {
  EXPECT_DEATH(
      {
        runtime rt;
        rt.run({.name = "page"}, [](scope& s) { std::thread([&] { static_cast<void>(s.status()); }).join(); });
      },
      "status of scope \"page\" was asked for on another thread: use scope.remote\\(\\)");
}

TEST(SnapshotJson, SaysAllThatIsThere) {
  const time_point now{100s};
  scope_snapshot s{.id = 1, .name = "pa\"ge", .state = scope_state::closing, .taken = now, .open = 41ms};
  s.deadline = deadline_point(now + 9ms);
  s.counts = {.running = 1, .failed = 1};
  s.waits_for = "task";
  s.stopping = stop_snapshot{reason::user{}, 2ms};
  s.tasks.push_back({.id = 2,
                     .name = "llm",
                     .kind = task_kind::llm,
                     .status = task_status::running,
                     .started = now - 5ms,
                     .age = 6ms,
                     .took = 5ms,
                     .attempt = 2,
                     .progress = 0.4,
                     .waits_for = "channel",
                     .in_cleanup = true});
  s.tasks.push_back(
      {.id = 3, .name = "rank", .status = task_status::failed, .failure = failure_snapshot{"died", true}});
  s.tasks[0].scopes.push_back({.id = 4, .name = "inner"});
  s.tasks_forgotten = 7;
  s.cut = true;
  const auto j = json::parse(to_json(runtime_snapshot{.name = "rt", .roots = {s}, .queued = {{.name = "q"}}}));
  EXPECT_EQ(j["runtime"], "rt");
  EXPECT_EQ(j["queued"][0]["task"], "q");
  const auto& root = j["roots"][0];
  EXPECT_EQ(root["scope"], "pa\"ge");
  EXPECT_EQ(root["state"], "closing");
  EXPECT_DOUBLE_EQ(root["open_us"], 41'000.0);
  EXPECT_DOUBLE_EQ(root["deadline_us"], 9'000.0);
  EXPECT_EQ(root["counts"]["running"], 1);
  EXPECT_EQ(root["stopping"]["reason"]["kind"], "user");
  EXPECT_DOUBLE_EQ(root["stopping"]["since_us"], 2'000.0);
  EXPECT_EQ(root["tasks_forgotten"], 7);
  EXPECT_EQ(root["cut"], true);
  const auto& llm = root["tasks"][0];
  EXPECT_EQ(llm["attempt"], 2);
  EXPECT_DOUBLE_EQ(llm["progress"], 0.4);
  EXPECT_EQ(llm["waits_for"], "channel");
  EXPECT_EQ(llm["in_cleanup"], true);
  EXPECT_EQ(llm["scopes"][0]["scope"], "inner");
  EXPECT_EQ(root["tasks"][1]["failure"]["worker_crashed"], true);
  EXPECT_FALSE(root["tasks"][1].contains("progress"));
  EXPECT_FALSE(root["tasks"][1].contains("took_us"));
}

}  // namespace
}  // namespace workit
