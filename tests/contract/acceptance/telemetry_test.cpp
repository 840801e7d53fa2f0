// Sampling exports a fraction of the events and every failure and stop; metric labels come from a fixed list.
#include <random>
#include <support/seed.hpp>
#include <workit/base/event.hpp>
#include <workit/observe/event_exporter.hpp>
#include <workit/observe/event_sink.hpp>
#include <workit/observe/metric_exporter.hpp>
#include <workit/observe/summary_exporter.hpp>

#include "acceptance.hpp"

namespace workit::test {
namespace {

/// A sink that keeps what it gets.
template <class Record>
class kept {
 public:
  [[nodiscard]] auto sink() {
    return [this](const Record& r) {
      const std::lock_guard lock(mutex_);
      all_.push_back(r);
    };
  }
  [[nodiscard]] std::vector<Record> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Record> all_;
};

/// The tasks that failed or were stopped, of the events that were exported.
std::set<work_id> misfortunes(const std::vector<recorded_event>& events) {
  std::set<work_id> all;
  for (const auto& e : events)
    if (std::holds_alternative<event::task_failed>(e.body) || std::holds_alternative<event::task_cancelled>(e.body))
      all.insert(e.id);
  return all;
}

class TailSamplingOnManualClock : public acceptance {
 protected:
  static constexpr int roots = 100, tasks = 5;

  /// A hundred requests of five tasks; one in twenty takes 60 ms, one in fifty fails and takes its siblings along.
  /// Returns those that failed or were stopped. `attach` is called in each.
  template <class Attach>
  static std::set<work_id> run_requests(scenario_fixture& fixture, Attach&& attach) {
    std::set<work_id> unlucky;
    for (int root = 0; root < roots; ++root) {
      const auto serve = [&](scope& s) {
        s.on_event([&](const lifecycle_event& e) {
           if (std::holds_alternative<event::task_failed>(e.body) ||
               std::holds_alternative<event::task_cancelled>(e.body))
             unlucky.insert(e.id);
         }).keep();
        attach(s);
        for (int i = root * tasks; i < (root + 1) * tasks; ++i)
          s.spawn([i](context& ctx) {
            ctx.sleep_for(i % 20 == 7 ? 60ms : 1ms);
            if (i % 50 == 3) throw std::runtime_error("one in fifty");
          });
      };
      try {
        fixture.rt().run({.name = "request"}, serve);
      } catch (const std::runtime_error&) {  // told, too
      }
    }
    return unlucky;
  }
};

TEST_P(TailSamplingOnManualClock, ErrorsAndSlowAreLessThanAFifthOfAllAndMissNoMisfortune) {
  run_scenario([](scenario_fixture& fixture) {
    kept<recorded_event> everything, chosen;
    std::set<work_id> unlucky;
    {
      event_exporter all({.sampling = sampling::all(), .queue = {.capacity = 10'000}}, everything.sink());
      event_exporter tail({.sampling = sampling::errors_and_slow(50ms)}, chosen.sink());
      unlucky = run_requests(fixture, [&](scope& s) {
        all.attach(s).keep();
        tail.attach(s).keep();
      });
      tail.flush();
      EXPECT_EQ(tail.counts().dropped(), 0u);
    }
    EXPECT_GE(unlucky.size(), 10u);
    EXPECT_EQ(misfortunes(chosen.all()), unlucky);
    EXPECT_GE(everything.all().size(), 1200u);
    EXPECT_LT(chosen.all().size(), everything.all().size() / 5);
    int slow = 0;
    for (const auto& e : chosen.all()) slow += std::holds_alternative<event::task_succeeded>(e.body);
    EXPECT_GE(slow, 20);
  });
}

TEST_P(TailSamplingOnManualClock, ControlArmAsManyEventsByChanceMissMostMisfortunes) {
  const auto seed = test::seed();
  run_scenario([seed](scenario_fixture& fixture) {
    kept<recorded_event> chosen;
    std::set<work_id> unlucky;
    {
      event_exporter head({.sampling = sampling::head(0.1, seed)}, chosen.sink());
      unlucky = run_requests(fixture, [&](scope& s) { head.attach(s).keep(); });
    }
    EXPECT_LT(misfortunes(chosen.all()).size(), unlucky.size()) << "seed " << seed;
  });
}

INSTANTIATE_TEST_SUITE_P(On, TailSamplingOnManualClock, on_manual_clock(), name_of);

class TailSampling : public acceptance {};

TEST_P(TailSampling, EveryTaskThatWasStoppedIsExported) {
  run_scenario(
      [](scenario_fixture& fixture) {
        auto& slow = fixture.make_part();
        kept<recorded_event> chosen;
        work_id stopped = 0, limited = 0, quick = 0;
        {
          event_exporter exporter({.sampling = sampling::errors_and_slow(1h)}, chosen.sink());
          fixture.run([&](scope& s) {
            exporter.attach(s).keep();
            auto one = s.spawn({.name = "stopped"}, slow.body());
            auto two = s.spawn({.name = "limited", .background = true}, timeout(natural_end / 2, slow.body()));
            auto good = s.spawn({.name = "quick"}, [] { return 7; });
            slow.await(s);
            one.cancel("enough");
            two.wait();
            one.wait();
            race(slow.body(), [&](context& ctx) {
              slow.await(ctx, 3);
              return 1;
            })(s);
            fixture.returned();
            stopped = one.id();
            limited = two.id();
            quick = good.id();
          });
        }
        const auto exported = misfortunes(chosen.all());
        EXPECT_TRUE(exported.contains(stopped));
        EXPECT_TRUE(exported.contains(limited));
        EXPECT_FALSE(exported.contains(quick)) << "the control arm: what ends well and soon is not";
        int losers = 0, scopes = 0;
        for (const auto& e : chosen.all()) {
          losers += std::holds_alternative<event::task_cancelled>(e.body) &&
                    std::holds_alternative<reason::race_lost>(e.why.value());
          scopes += std::holds_alternative<event::scope_closing>(e.body);
        }
        EXPECT_EQ(losers, 1);
        EXPECT_EQ(scopes, 1) << "the one that ran out of time";
        EXPECT_EQ(exported.size(), 3u);
        fixture.outlast();
      },
      {.workers = 2, .spares = 1});
}

TEST_P(TailSampling, ASummaryIsExportedOfEachScopeThatCloses) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    kept<scope_summary> summaries;
    std::map<work_id, int> closed;
    work_id own = 0;
    {
      summary_exporter exporter(summaries.sink());
      fixture.run([&](scope& s) {
        own = s.id();
        exporter.attach(s).keep();
        s.on_event([&](const lifecycle_event& e) {
           if (std::holds_alternative<event::scope_closed>(e.body)) ++closed[e.id];
         }).keep();
        for (int i = 0; i < 3; ++i) s.scope({.name = "part"}, [](scope& in) { in.spawn([] {}); });
        EXPECT_THROW(timeout(natural_end / 2, slow.body())(s), timed_out);
        fixture.returned();
      });
    }
    std::map<work_id, int> told;
    for (const auto& s : summaries.all()) ++told[s.id];
    EXPECT_EQ(told, closed);
    EXPECT_TRUE(told.contains(own)) << "the one it is attached to";
    for (const auto& [id, times] : told) EXPECT_EQ(times, 1);
    for (const auto& s : summaries.all()) {
      EXPECT_FALSE(s.late) << "all of it was heard";
      if (s.name == "part") {
        EXPECT_EQ(s.tasks.succeeded, 1u);
        EXPECT_EQ(s.outcome, scope_outcome::completed);
      }
      if (s.name == "timeout") {
        EXPECT_TRUE(std::holds_alternative<reason::timeout>(s.why.value()));
      }
    }
    fixture.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, TailSampling, every_boundary(), name_of);

/// Turns the ends of tasks into points of a metric, as an adapter does.
class task_points {
 public:
  explicit task_points(std::function<void(const metric_point&)> to) : to_(std::move(to)) {}
  void hear(const lifecycle_event& e) {
    if (const auto* started = std::get_if<event::task_started>(&e.body)) kinds_[e.id] = started->kind;
    if (const auto* good = std::get_if<event::task_succeeded>(&e.body)) tell(e.id, "succeeded", good->took);
    if (const auto* bad = std::get_if<event::task_failed>(&e.body)) tell(e.id, "failed", bad->took);
    if (const auto* stopped = std::get_if<event::task_cancelled>(&e.body)) tell(e.id, "cancelled", stopped->took);
  }

 private:
  void tell(work_id id, std::string_view outcome, duration took) {
    const auto kind = to_string(kinds_.at(id));
    kinds_.erase(id);
    to_({"workit.task.duration",
         std::chrono::duration<double>(took).count(),
         {{"task.kind", kind}, {"outcome", outcome}}});
  }
  const std::function<void(const metric_point&)> to_;
  std::map<work_id, task_kind> kinds_;
};

class MetricLabels : public acceptance {
 protected:
  /// Three points of real tasks, of which one was stopped, and three that are not listed.
  static void emit_points(scenario_fixture& fixture, const std::function<void(const metric_point&)>& to) {
    auto& slow = fixture.make_part();
    task_points points(to);
    fixture.run([&](scope& s) {
      s.on_event([&](const lifecycle_event& e) { points.hear(e); }).keep();
      auto stopped = s.spawn({.kind = task_kind::cpu}, slow.body());
      s.spawn({.kind = task_kind::llm}, [] {}).get();
      s.spawn({.kind = task_kind::tool, .background = true}, [] { throw std::runtime_error("a tool"); }).wait();
      slow.await(s);
      stopped.cancel("enough");
      stopped.wait();
      fixture.returned();
    });
    to({"workit.task.duration", 1, {{"task.kind", "evil"}, {"outcome", "succeeded"}}});
    to({"workit.task.duration", 1, {{"taskKind", "cpu"}, {"outcome", "succeeded"}}});
    to({"workit.task.duration", 1, {{"task.kind", "cpu"}, {"user", "ada@example.org"}}});
    fixture.outlast();
  }
  static std::string written(const metric_point& p) {
    std::string all;
    for (const auto& [key, value] : keep(p.labels)) all += key + '=' + value + ' ';
    return all;
  }
};

TEST_P(MetricLabels, WhatIsNotListedIsRejectedAndCounted) {
  run_scenario([](scenario_fixture& fixture) {
    std::vector<std::string> emitted;
    metric_exporter exporter(
        label_policy({.allowed = {task_kind_label(), {"outcome", {"succeeded", "failed", "cancelled"}}}}),
        [&](const metric_point& p) { emitted.push_back(written(p)); });
    emit_points(fixture, [&](const metric_point& p) { exporter.record(p); });
    std::sort(emitted.begin(), emitted.end());
    EXPECT_EQ(emitted, (std::vector<std::string>{"task.kind=cpu outcome=cancelled ", "task.kind=llm outcome=succeeded ",
                                                 "task.kind=tool outcome=failed "}));
    EXPECT_EQ(exporter.exported(), 3u);
    EXPECT_EQ(exporter.rejected(), 3u);
    EXPECT_EQ(exporter.rejected(label_policy::verdict::unknown_value), 1u) << "task.kind=evil";
    EXPECT_EQ(exporter.rejected(label_policy::verdict::unknown_key), 2u);
  });
}

TEST_P(MetricLabels, ControlArmWithoutAPolicyEveryLabelIsEmitted) {
  run_scenario([](scenario_fixture& fixture) {
    std::vector<std::string> emitted;
    emit_points(fixture, [&](const metric_point& p) { emitted.push_back(written(p)); });
    EXPECT_EQ(emitted.size(), 6u);
    EXPECT_NE(std::find(emitted.begin(), emitted.end(), "task.kind=evil outcome=succeeded "), emitted.end());
  });
}

INSTANTIATE_TEST_SUITE_P(On, MetricLabels, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
