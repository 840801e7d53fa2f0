// work(): its builder, and for_each and collect.
#include "sources.hpp"

#include <random>
#include <support/refused.hpp>
#include <support/seed.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Work : public test::runtime_test {
 protected:
  std::vector<int> rows{1, 2, 3, 4, 5};
  test::crowd crowd;
};

TEST_F(Work, RunsOneItemAfterTheOtherByDefault) {
  manual_runtime rt;
  const auto began = rt.clock.now();
  EXPECT_EQ(rt.run(work(rows).for_each(crowd.member(10ms))), rows);
  EXPECT_EQ(crowd.most, 1);
  EXPECT_EQ(rt.clock.now() - began, 50ms);
}

TEST_F(Work, RunsAsManyAtATimeAsItWasTold) {
  manual_runtime rt;
  const auto began = rt.clock.now();
  EXPECT_EQ(rt.run(work(rows).in_parallel(3).for_each(crowd.member(10ms))), rows);
  EXPECT_EQ(crowd.most, 3);
  EXPECT_EQ(rt.clock.now() - began, 20ms);
}

// Property: whatever the width and however long each item takes.
TEST_F(Work, KeepsTheOrderOfTheItemsAndNeverHasMoreThanItsWidth) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 50; ++round) {
    manual_runtime rt;
    test::crowd c;
    const auto width = 1 + random() % 9;
    std::vector<int> items(random() % 40);
    for (auto& i : items) i = static_cast<int>(random() % 30);
    const auto got = rt.run(work(items).in_parallel(width).for_each([&](context& ctx, int& item) {
      c.most = std::max(c.most, ++c.active);
      ctx.sleep_for(std::chrono::milliseconds(item));
      --c.active;
      return item;
    }));
    EXPECT_EQ(got, items);
    EXPECT_EQ(c.most, static_cast<int>(std::min(width, items.size())));
  }
}

TEST_F(Work, OfNothingReturnsNothing) {
  manual_runtime rt;
  rows.clear();
  EXPECT_TRUE(rt.run(work(rows).for_each(crowd.member(1ms))).empty());
  EXPECT_EQ(crowd.started, 0);
}

TEST_F(Work, IsImmutable) {
  manual_runtime rt;
  const auto plain = work(rows);
  const auto doubled = plain.map([](int row) { return row * 2; });
  const auto big = doubled.filter([](int v) { return v > 4; });
  EXPECT_EQ(rt.run(plain.collect()), rows);
  EXPECT_EQ(rt.run(doubled.collect()), (std::vector<int>{2, 4, 6, 8, 10}));
  EXPECT_EQ(rt.run(big.collect()), (std::vector<int>{6, 8, 10}));
  EXPECT_EQ(rt.run(plain.in_parallel(5).for_each(crowd.member(1ms))), rows);
  EXPECT_EQ(crowd.most, 5);
}

TEST_F(Work, TakesItemsThroughItsStagesInTheirOrder) {
  manual_runtime rt;
  std::vector<std::string> seen;
  const auto got = rt.run(work(rows)
                              .filter([](int row) { return row != 2; })
                              .map([](int row) { return std::to_string(row); })
                              .tap([&](const std::string& text) { seen.push_back("a" + text); })
                              .filter([](context& ctx, const std::string& text) {
                                ctx.sleep_for(1ms);
                                return text != "4";
                              })
                              .tap([&](const std::string& text) { seen.push_back("b" + text); })
                              .map([](context&, std::string text) { return text + "!"; })
                              .collect());
  EXPECT_EQ(got, (std::vector<std::string>{"1!", "3!", "5!"}));
  EXPECT_EQ(seen, (std::vector<std::string>{"a1", "b1", "a3", "b3", "a4", "a5", "b5"}));
}

TEST_F(Work, RunsTheTaskFunctionThatAStageReturns) {
  manual_runtime rt;
  const auto got = rt.run(work(rows)
                              .in_parallel(5)
                              .map([](int row) {
                                return timeout(1s, [row](context& ctx) {
                                  ctx.sleep_for(10ms);
                                  return row * 100;
                                });
                              })
                              .collect());
  EXPECT_EQ(got, (std::vector<int>{100, 200, 300, 400, 500}));
  EXPECT_EQ(test::error_of([&] {
              rt.run(work(rows).for_each([](int) { return timeout(1ms, [](context& ctx) { ctx.sleep_for(1h); }); }));
            }),
            "timeout took longer than 1 ms");
}

TEST_F(Work, NamesEachItemAfterItsPlaceWhateverIsAroundIt) {
  manual_runtime rt;
  const auto name = [](context& ctx, int) { return ctx.name(); };
  const std::vector<std::string> names{"work-item-0", "work-item-1", "work-item-2", "work-item-3", "work-item-4"};
  EXPECT_EQ(rt.run(work(rows).for_each(name)), names);
  const auto wrapped = work(rows).retry({}).timeout(1s).deadline_at(rt.clock.now() + 1h);
  EXPECT_EQ(rt.run(wrapped.for_each(name)), names);
  rt.run([&](scope& s) {
    auto stream = work(rows).map(name).stream(s);
    EXPECT_EQ(stream.next(), "work-stream-item-0");
  });
}

TEST_F(Work, RunsInAScopeOfItsOwnBelowTheCallers) {
  manual_runtime rt;
  rt.run({.name = "page"}, [&](scope& s) {
    work(rows).in_parallel(2).for_each([&](int) {
      const auto page = s.status();
      ASSERT_EQ(page.scopes.size(), 1u);
      EXPECT_EQ(page.scopes[0].name, "work");
      EXPECT_EQ(page.scopes[0].tasks.at(0).name, "work-item-0");
    })(s);
    EXPECT_TRUE(s.status().scopes.empty());
  });
}

TEST_F(Work, GivesAwayMoveOnlyItemsThatItOwnsAndLendsTheOthers) {
  manual_runtime rt;
  const auto three = [] {
    std::vector<std::unique_ptr<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(std::make_unique<int>(i));
    return all;
  };
  const auto by_value = [](std::unique_ptr<int> p) { return *p; };
  EXPECT_EQ(rt.run(work(three()).for_each(by_value)), (std::vector<int>{0, 1, 2}));
  auto kept = three();
  EXPECT_EQ(rt.run(work(kept).for_each([](std::unique_ptr<int>& p) { return ++*p; })), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(*kept[0], 1);
  EXPECT_EQ(rt.run(work(three()).collect()).size(), 3u) << "and they come out again";
}

TEST_F(Work, ReturnsReferencesAsReferences) {
  manual_runtime rt;
  auto got = rt.run(work(rows).map([](int& row) -> int& { return row; }).collect());
  got[4].get() = 50;
  EXPECT_EQ(rows[4], 50);
}

TEST_F(Work, ComposesAsTheTaskFunctionItIs) {
  manual_runtime rt;
  int tries = 0;
  auto flaky = work(rows).for_each([&](int row) {
    if (row == 3 && ++tries < 3) throw std::runtime_error("not yet");
    return row;
  });
  EXPECT_EQ(rt.run(retry({.times = 3}, flaky)), rows);
  EXPECT_EQ(test::error_of([&] { rt.run(timeout(15ms, work(rows).for_each(crowd.member(10ms)))); }),
            "timeout took longer than 15 ms");
  EXPECT_EQ(crowd.active, 0);
}

TEST_F(Work, RefusesWhatCannotBeWhenItIsSaid) {
  EXPECT_REFUSED((void)work(rows).in_parallel(0), "in_parallel.0.: nothing could run; it may be 1 or more");
  EXPECT_REFUSED((void)work(rows).rate_limit(0), "has to be finite and more than zero");
  EXPECT_REFUSED((void)work(rows).rate_limit(-1), "has to be finite and more than zero");
  EXPECT_REFUSED((void)work(rows).rate_limit(std::numeric_limits<double>::quiet_NaN()), "has to be finite");
  EXPECT_REFUSED((void)work(rows).rate_limit(std::numeric_limits<double>::infinity()), "has to be finite");
  EXPECT_REFUSED((void)work(rows).retry({.times = 0}), "times is 0; it may be 1 to 1,000 attempts");
  std::vector<std::unique_ptr<int>> owned;
  EXPECT_REFUSED((void)work(std::move(owned)).retry({}).for_each([](std::unique_ptr<int>) {}),
                 "takes a move-only item by value");
}

}  // namespace
}  // namespace workit
