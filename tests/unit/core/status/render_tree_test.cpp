// render_tree(): the tree as text.
#include <gtest/gtest.h>

#include <cstdlib>
#include <support/fixture.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/status/render_tree.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

// All marks, scopes below tasks and scopes, and every remark that a line can have.
scope_snapshot filled() {
  const time_point now{100s};
  scope_snapshot s{.id = 1, .name = "page", .taken = now, .open = 41ms};
  s.deadline = deadline_point(now + 9ms);
  s.waits_for = "task";
  s.counts = {.pending = 0, .running = 1, .succeeded = 34, .failed = 1, .cancelled = 1};
  s.tasks_forgotten = 33;
  s.tasks.push_back({.name = "text", .status = task_status::succeeded, .started = now, .took = 12ms});
  s.tasks.push_back({.name = "llm",
                     .kind = task_kind::llm,
                     .status = task_status::running,
                     .started = now,
                     .took = 38ms,
                     .attempt = 2,
                     .progress = 0.404,
                     .message = "reading",
                     .waits_for = "channel"});
  scope_snapshot fetch{.id = 5, .name = "fetch", .state = scope_state::closing, .taken = now, .open = 5ms};
  fetch.stopping = stop_snapshot{reason::deadline{}, 1200us};
  fetch.counts = {.pending = 1};
  fetch.in_cleanup = true;
  fetch.tasks.push_back({.name = "part", .age = 210us, .waits_for = "its turn"});
  s.tasks.back().scopes.push_back(fetch);
  s.tasks.push_back({.name = "rank",
                     .status = task_status::failed,
                     .started = now,
                     .took = 3400us,
                     .failure = failure_snapshot{"bo\nom"}});
  s.tasks.push_back({.name = "geo",
                     .status = task_status::cancelled,
                     .age = 90s,
                     .stopping = stop_snapshot{reason::race_lost{7}, 1s}});
  s.scopes.push_back({.id = 9, .name = "below", .taken = now, .open = 3h + 20min, .cut = true});
  return s;
}

TEST(RenderTree, DrawsInAsciiByDefault) {
  EXPECT_EQ(render_tree(filled()), R"(page#1 (running, 41 ms, deadline in 9 ms, waits for task)
+-- 33 more that ended earlier
+-- [OK] text (succeeded, 12 ms)
+-- [..] llm (llm, running, 38 ms, 40%, "reading", attempt 2, waits for channel)
|   \-- fetch#5 (closing, 5 ms, cancelled 1.2 ms ago: deadline passed, in a cleanup)
|       \-- [ ] part (pending, 210 us, waits for its turn)
+-- [X] rank (failed, 3.4 ms: bo?om)
+-- [!] geo (cancelled, 1 min 30 s: race lost to task 7)
\-- below#9 (running, 3 h 20 min)
    \-- what is deeper was left out

38 tasks | 34 [OK] | 1 [X] | 1 [!] | 1 [..] | 1 [ ]
)");
}

TEST(RenderTree, DrawsInUnicodeWhenAsked) {
  EXPECT_EQ(render_tree(filled(), {.glyphs = tree_glyphs::unicode}),
            R"(page#1 (running, 41 ms, deadline in 9 ms, waits for task)
├─ 33 more that ended earlier
├─ ✓ text (succeeded, 12 ms)
├─ ⏳ llm (llm, running, 38 ms, 40%, "reading", attempt 2, waits for channel)
│  └─ fetch#5 (closing, 5 ms, cancelled 1.2 ms ago: deadline passed, in a cleanup)
│     └─ ⏸ part (pending, 210 us, waits for its turn)
├─ ✗ rank (failed, 3.4 ms: bo?om)
├─ ⊘ geo (cancelled, 1 min 30 s: race lost to task 7)
└─ below#9 (running, 3 h 20 min)
   └─ what is deeper was left out

38 tasks · 34 ✓ · 1 ✗ · 1 ⊘ · 1 ⏳ · 1 ⏸
)");
}

TEST(RenderTree, StopsAtTheDepthItIsGivenAndCountsAllTheSame) {
  EXPECT_EQ(render_tree(filled(), {.max_depth = 0, .durations = false}), R"(page#1 (running, waits for task)

38 tasks | 34 [OK] | 1 [X] | 1 [!] | 1 [..] | 1 [ ]
)");
  const auto one = render_tree(filled(), {.max_depth = 1});
  EXPECT_NE(one.find("llm"), std::string::npos);
  EXPECT_EQ(one.find("fetch"), std::string::npos);
  const auto two = render_tree(filled(), {.max_depth = 2});
  EXPECT_NE(two.find("fetch"), std::string::npos);
  EXPECT_EQ(two.find("part"), std::string::npos);
}

TEST(RenderTree, LeavesOutDurationsAndProgressWhenTold) {
  const auto text = render_tree(filled(), {.durations = false, .progress = false});
  EXPECT_NE(text.find("[..] llm (llm, running, attempt 2, waits for channel)"), std::string::npos) << text;
  EXPECT_EQ(text.find(" ms"), std::string::npos) << text;
}

TEST(RenderTree, SaysHowLateADeadlineIs) {
  const time_point now{100s};
  scope_snapshot s{.id = 1, .name = "page", .taken = now};
  s.deadline = deadline_point(now - 3ms);
  EXPECT_EQ(render_tree(s).substr(0, 42), "page#1 (running, 0 us, deadline 3 ms ago)\n");
}

TEST(RenderTree, LooksAtTheEnvironmentOnlyWhenAsked) {
  setenv("NO_UNICODE", "1", 1);
  EXPECT_NE(render_tree(filled(), {.glyphs = tree_glyphs::unicode}).find("├─"), std::string::npos);
  EXPECT_EQ(render_tree(filled(), {.glyphs = tree_glyphs::automatic}), render_tree(filled()));
  unsetenv("NO_UNICODE");
}

TEST(RenderTree, DrawsARuntimeWithItsRootsAndQueue) {
  runtime_snapshot r{.name = "shop"};
  r.roots.push_back({.id = 1, .name = "one"});
  r.queued.push_back({.name = "two", .age = 1s, .waits_for = "its turn"});
  EXPECT_EQ(render_tree(r), R"(runtime shop
+-- one#1 (running, 0 us)
\-- [ ] two (pending, 1 s, waits for its turn)

1 task | 0 [OK] | 0 [X] | 0 [!] | 0 [..] | 1 [ ]
)");
}

class RenderLiveTree : public test::runtime_test {};

TEST_F(RenderLiveTree, ShowsATreeAtWork) {
  manual_runtime rt;
  rt.run({.name = "page", .deadline = 1min}, [](scope& s) {
    s.spawn({.name = "text"}, [](context& ctx) { ctx.sleep_for(12ms); });
    s.spawn({.name = "opens"}, [](context& ctx) {
      ctx.scope({.name = "inner"}, [](scope& in) { in.spawn({.name = "part"}, [](context& c) { c.sleep_for(1s); }); });
    });
    s.sleep_for(41ms);
    auto text = render_tree(s.status());
    for (auto at = text.find('#'); at != std::string::npos; at = text.find('#', at + 1))
      while (std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0) text.erase(at + 1, 1);
    EXPECT_EQ(text, R"(page# (running, 41 ms, deadline in 59 s)
+-- [OK] text (succeeded, 12 ms)
\-- [..] opens (running, 41 ms, waits for its scope)
    \-- inner# (running, 41 ms, waits for its tasks)
        \-- [..] part (running, 41 ms, waits for sleep)

3 tasks | 1 [OK] | 0 [X] | 0 [!] | 2 [..] | 0 [ ]
)");
  });
}

}  // namespace
}  // namespace workit
