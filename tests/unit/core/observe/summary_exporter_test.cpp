// summary_exporter: one summary for each scope that closes.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <support/seed.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/race.hpp>
#include <workit/compose/retry.hpp>
#include <workit/observe/summary_exporter.hpp>

#include "exported.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using exported_summaries = test::exported<scope_summary>;

scope_summary of(const std::string& name, const std::vector<scope_summary>& all) {
  std::optional<scope_summary> found;
  for (const auto& s : all) {
    if (s.name != name) continue;
    EXPECT_FALSE(found) << "two records of scope " << name;
    found = s;
  }
  EXPECT_TRUE(found) << "no record of scope " << name;
  return found.value_or(scope_summary{});
}

class SummaryExporter : public test::runtime_test {};

TEST_F(SummaryExporter, SendsOneRecordOfEachScopeThatCloses) {
  exported_summaries seen;
  manual_runtime rt;
  summary_exporter exporter(seen.sink());
  work_id page = 0, part = 0;
  rt.run({.name = "page"}, [&](scope& s) {
    page = s.id();
    s.sleep_for(1s);
    auto heard = exporter.attach(s);
    EXPECT_TRUE(heard.is_active());
    heard.keep();
    s.spawn({.name = "a"}, [](context& ctx) { ctx.sleep_for(1s); });
    s.spawn({.name = "b", .background = true}, [] { throw std::runtime_error("boom"); });
    s.spawn({.name = "c"}, [](context& ctx) { ctx.sleep_for(1h); }).cancel("enough");
    s.scope({.name = "part"}, [&](scope& in) {
      part = in.id();
      in.spawn([] {}).get();
      in.defer([] { throw std::runtime_error("cleanup"); });
      in.defer({.timeout = 1s}, [](context& c) { c.sleep_for(1h); });
      in.spawn(retry({.times = 2, .initial_delay = 1ms}, [](context& ctx) {
        if (ctx.attempt() == 1) throw std::runtime_error("once");
      }));
    });
  });
  exporter.flush();
  const auto all = seen.all();
  const auto top = of("page", all), in = of("part", all);
  EXPECT_EQ(all.size(), 4u) << "and the scopes of two attempts";
  EXPECT_EQ(all.back().name, "page") << "the one it is attached to, last of all";
  EXPECT_EQ(top.id, page);
  EXPECT_NE(top.parent, 0u) << "the root's task";
  EXPECT_EQ(top.outcome, scope_outcome::completed);
  EXPECT_FALSE(top.why);
  EXPECT_FALSE(top.late);
  EXPECT_GE(top.took, 2s) << "since it opened";
  EXPECT_EQ(top.tasks.succeeded, 1u);
  EXPECT_EQ(top.tasks.failed, 1u);
  EXPECT_EQ(top.tasks.running, 0u);
  EXPECT_EQ(in.id, part);
  EXPECT_EQ(in.parent, page);
  EXPECT_EQ(in.tasks.succeeded, 2u);
  EXPECT_EQ(in.retries, 1u);
  EXPECT_EQ(in.cleanup_failures, 1u);
  EXPECT_EQ(in.cleanup_timeouts, 1u);
  EXPECT_EQ(in.outcome, scope_outcome::completed) << "cleanups change no outcome";
}

TEST_F(SummaryExporter, TellsWhyAScopeWasStopped) {
  exported_summaries seen;
  manual_runtime rt;
  summary_exporter exporter(seen.sink());
  rt.run({.name = "top"}, [&](scope& s) {
    exporter.attach(s).keep();
    EXPECT_THROW(s.scope({.name = "failed"}, [](scope& in) { in.spawn([] { throw std::runtime_error("boom"); }); }),
                 std::runtime_error);
    EXPECT_THROW(s.scope({.name = "late", .deadline = 1s}, [](scope& in) { in.sleep_for(1h); }), timed_out);
    EXPECT_THROW(s.scope({.name = "stopped"},
                         [](scope& in) {
                           in.spawn([](context& ctx) { ctx.sleep_for(1h); });
                           in.sleep_for(1ms);
                           in.cancel(reason::manual{.tag = "enough", .data = 7});
                           in.check();
                         }),
                 scope_cancelled);
  });
  exporter.flush();
  const auto all = seen.all();
  EXPECT_EQ(of("failed", all).outcome, scope_outcome::errored);
  EXPECT_EQ(kind_of(of("failed", all).why.value()), "sibling_failed");
  EXPECT_EQ(of("late", all).outcome, scope_outcome::cancelled);
  EXPECT_EQ(kind_of(of("late", all).why.value()), "deadline");
  const auto stopped = of("stopped", all);
  EXPECT_EQ(describe(stopped.why.value()), "manual: enough");
  EXPECT_FALSE(std::get<reason::manual>(*stopped.why).data.has_value());
  EXPECT_EQ(stopped.tasks.cancelled, 1u);
  const auto line = nlohmann::json::parse(to_json(stopped));
  EXPECT_EQ(line.at("name"), "stopped");
  EXPECT_EQ(line.at("outcome"), "cancelled");
  EXPECT_EQ(line.at("why").at("tag"), "enough");
  EXPECT_EQ(line.at("tasks").at("cancelled"), 1);
  EXPECT_EQ(line.at("late"), false);
}

TEST_F(SummaryExporter, AttachedTwiceInOneTreeTellsOfEachScopeOnce) {
  exported_summaries seen;
  manual_runtime rt;
  summary_exporter exporter(seen.sink());
  rt.run({.name = "top"}, [&](scope& s) {
    exporter.attach(s).keep();
    EXPECT_FALSE(exporter.attach(s).is_active());
    s.scope({.name = "below"}, [&](scope& in) {
      EXPECT_FALSE(exporter.attach(in).is_active());
      in.spawn([] {});
    });
  });
  exporter.flush();
  const auto all = seen.all();
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(of("below", all).tasks.succeeded, 1u);
}

TEST_F(SummaryExporter, SaysWhichScopesWereOpenBeforeAnyoneListened) {
  exported_summaries seen;
  manual_runtime rt;
  summary_exporter exporter(seen.sink());
  rt.run({.name = "top"}, [&](scope& s) {
    auto t = s.spawn([](context& ctx) {
      ctx.scope({.name = "earlier"}, [](scope& in) {
        in.spawn([](context& c) { c.sleep_for(1s); });
        in.sleep_for(2s);
        in.spawn([] {});
      });
    });
    s.sleep_for(1ms);
    exporter.attach(s).keep();
    t.get();
  });
  exporter.flush();
  const auto earlier = of("earlier", seen.all());
  EXPECT_TRUE(earlier.late);
  EXPECT_EQ(earlier.took, 2s);
  EXPECT_EQ(earlier.tasks.succeeded, 1u) << "those that began since";
  EXPECT_FALSE(of("top", seen.all()).late);
}

TEST_F(SummaryExporter, LetsACleanerChangeAndRefuse) {
  exported_summaries seen;
  manual_runtime rt;
  const auto clean = [](scope_summary& s) {
    if (s.name == "broken") throw std::runtime_error("a cleaner that fails");
    if (s.name == "private") return false;
    s.name = "[name]";
    return true;
  };
  summary_exporter exporter({.clean = clean}, seen.sink());
  rt.run({.name = "top"}, [&](scope& s) {
    exporter.attach(s).keep();
    for (const auto* name : {"private", "broken"}) s.scope({.name = name}, [](scope&) {});
  });
  exporter.flush();
  ASSERT_EQ(seen.all().size(), 1u);
  EXPECT_EQ(seen.all()[0].name, "[name]");
  EXPECT_EQ(exporter.counts().cleaned_out, 2u);
}

TEST_F(SummaryExporter, HearsAllOfARuntimeOnItsManyThreads) {
  const auto seed = test::seed();
  exported_summaries seen;
  constexpr int roots = 200;
  {
    summary_exporter exporter({.queue = {.capacity = 10'000}}, seen.sink());
    runtime rt({.io_threads = 4, .on_event = exporter.handler()});
    std::vector<task<void>> all;
    for (int n = 0; n < roots; ++n)
      all.push_back(rt.spawn({.name = "root"}, [n, seed](scope& s) {
        race([](context&) { return 1; },
             [](context& ctx) {
               ctx.sleep_for(1h);
               return 2;
             })(s);
        for (auto i = (seed + static_cast<std::uint64_t>(n)) % 5; i > 0; --i) s.spawn([] {});
      }));
    for (auto& t : all) t.get();
  }
  int scopes = 0;
  std::uint64_t running = 0;
  for (const auto& s : seen.all()) {
    scopes += s.name == "root";
    running += s.tasks.running;
  }
  EXPECT_EQ(scopes, roots) << "seed " << seed;
  EXPECT_EQ(seen.all().size(), 2u * roots) << "each with its race; seed " << seed;
  EXPECT_EQ(running, 0u) << "seed " << seed;
}

}  // namespace
}  // namespace workit
