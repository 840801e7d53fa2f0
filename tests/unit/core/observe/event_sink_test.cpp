// event_sink: events in a bounded ring buffer.
#include <gtest/gtest.h>

#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/base/event.hpp>
#include <workit/observe/event_sink.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;

entries words(const std::vector<recorded_event>& events) {
  entries all;
  for (const auto& e : events) all.push_back(std::string(kind_of(e)) + ' ' + e.name);
  return all;
}

class EventSink : public test::runtime_test {};

TEST_F(EventSink, HearsTheScopeItIsAttachedToFromItsOpeningOn) {
  event_sink sink;
  manual_runtime rt;
  work_id page = 0;
  time_point opened{};
  rt.run({.name = "page"}, [&](scope& s) {
    page = s.id();
    opened = s.now();
    s.sleep_for(1s);
    sink.attach(s).keep();
    s.spawn({.name = "part"}, [] {});
  });
  const auto all = sink.take_all();
  EXPECT_EQ(words(all), (entries{"scope_opened page", "task_started part", "task_succeeded part", "scope_closing page",
                                 "scope_closed page"}));
  EXPECT_EQ(all[0].id, page);
  EXPECT_EQ(all[0].at, opened);
  EXPECT_NE(std::get<event::scope_opened>(all[0].body).parent, 0u) << "the root's task";
}

TEST_F(EventSink, HearsNoMoreAfterItsSubscriptionHasEnded) {
  event_sink sink;
  manual_runtime rt;
  rt.run([&](scope& s) {
    {
      const auto heard = sink.attach(s);
      s.spawn({.name = "a"}, [] {}).get();
    }
    s.spawn({.name = "b"}, [] {}).get();
  });
  EXPECT_EQ(words(sink.take_all()), (entries{"scope_opened scope", "task_started a", "task_succeeded a"}));
}

TEST_F(EventSink, HearsAllOfARuntime) {
  event_sink sink;
  {
    manual_runtime rt({.on_event = sink.handler()});
    rt.run({.name = "page"}, [](scope&) {});
  }
  EXPECT_EQ(words(sink.take_all()), (entries{"task_started page", "scope_opened page", "scope_closing page",
                                             "scope_closed page", "task_succeeded page"}));
}

TEST_F(EventSink, OwnsTheReasonsAndErrorsItKeeps) {
  event_sink sink;
  {
    manual_runtime rt;
    rt.run([&](scope& s) {
      sink.attach(s).keep();
      s.spawn({.name = "stopped"}, [](context& ctx) { ctx.sleep_for(1h); }).cancel("a tag that is too long for SSO");
      s.spawn({.name = "failed", .background = true}, [] { throw std::runtime_error("boom"); });
      s.sleep_for(1s);
    });
  }
  std::optional<cancel_reason> why;
  std::exception_ptr error;
  for (const auto& e : sink.take_all()) {
    if (const auto* stopped = std::get_if<event::task_cancelled>(&e.body)) {
      EXPECT_EQ(stopped->why, nullptr);
      why = e.why;
    }
    if (const auto* failed = std::get_if<event::task_failed>(&e.body)) error = failed->error;
  }
  ASSERT_TRUE(why);
  EXPECT_EQ(describe(*why), "manual: a tag that is too long for SSO");
  EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
}

TEST_F(EventSink, DropsTheOldestWhenItIsFullAndCountsThem) {
  event_sink sink(3);
  const auto put = [handler = sink.handler()](int i) {
    handler(lifecycle_event{static_cast<work_id>(i), "x", {}, event::task_started{}});
  };
  const auto ids = [&] {
    std::vector<work_id> all;
    for (const auto& e : sink.take_all()) all.push_back(e.id);
    return all;
  };
  for (int i = 1; i <= 3; ++i) put(i);
  EXPECT_EQ(sink.dropped(), 0u);
  put(4);
  put(5);
  EXPECT_EQ(sink.dropped(), 2u);
  EXPECT_EQ(sink.size(), 3u);
  EXPECT_EQ(ids(), (std::vector<work_id>{3, 4, 5}));
  EXPECT_EQ(sink.size(), 0u);
  for (int i = 6; i <= 9; ++i) put(i);
  EXPECT_EQ(ids(), (std::vector<work_id>{7, 8, 9}));
  EXPECT_EQ(sink.dropped(), 3u);
}

TEST_F(EventSink, MayGoBeforeTheScopeItListensTo) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) {
    event_sink(8).attach(s).keep();
    return s.spawn([] { return 6; }).get();
  }),
            6);
}

TEST_F(EventSink, LosesNothingBetweenThreadsThatTakeAndLoopsThatTell) {
  static_cast<void>(test::seed());
  event_sink sink(100'000);
  std::size_t taken = 0;
  constexpr std::size_t tasks = 500;
  {
    runtime rt({.io_threads = 2, .on_event = sink.handler()});
    auto spawn_all = [](scope& s) {
      for (std::size_t i = 0; i < tasks; ++i) s.spawn([] {});
    };
    auto one = rt.spawn(scope_options{}, spawn_all), two = rt.spawn(scope_options{}, spawn_all);
    while (one.status() < task_status::succeeded || two.status() < task_status::succeeded)
      taken += sink.take_all().size();
  }
  taken += sink.take_all().size();
  EXPECT_EQ(taken, 2 * (2 * tasks + 5)) << "each task begins and ends, each root and its scope have five events";
  EXPECT_EQ(sink.dropped(), 0u);
}

TEST_F(EventSink, RefusesACapacityThatCannotBe) {
  EXPECT_REFUSED(event_sink(0), "an event_sink for 0 events; it may hold 1 to 1,000,000");
  EXPECT_REFUSED(event_sink(1'000'001), "an event_sink for 1000001 events");
}

}  // namespace
}  // namespace workit
