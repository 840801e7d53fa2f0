// work(): the error modes.
#include "sources.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::even_only;
using test::manual_runtime;

class OnError : public test::runtime_test {
 protected:
  std::vector<int> rows{0, 1, 2, 3, 4};
  test::crowd crowd;
};

// The mode is in the type.
static_assert(
    std::same_as<decltype(work(std::declval<std::vector<int>&>()).for_each(even_only)(std::declval<context&>())),
                 std::vector<int>>);
static_assert(std::same_as<decltype(work(std::declval<std::vector<int>&>())
                                        .on_error(on_error::continue_)
                                        .for_each(even_only)(std::declval<context&>())),
                           continued<int, int>>);
static_assert(std::same_as<decltype(work(std::declval<std::vector<int>&>())
                                        .on_error(on_error::collect)
                                        .for_each(even_only)(std::declval<context&>())),
                           std::vector<outcome<int>>>);
static_assert(std::same_as<decltype(work(std::declval<std::vector<int>&>())
                                        .on_error(on_error::partial)
                                        .for_each(even_only)(std::declval<context&>())),
                           partial<int, int>>);
static_assert(
    std::is_void_v<decltype(work(std::declval<std::vector<int>&>()).for_each([](int) {})(std::declval<context&>()))>);

TEST_F(OnError, FailThrowsTheFirstErrorAfterAllSiblingsWereJoined) {
  manual_runtime rt;
  auto f = [member = crowd.member(1h)](context& ctx, int row) {
    if (row == 2) {
      ctx.sleep_for(5ms);
      throw std::runtime_error("row 2");
    }
    return member(ctx, row);
  };
  EXPECT_EQ(test::error_of([&] { rt.run(work(rows).in_parallel(3).for_each(f)); }), "row 2");
  EXPECT_EQ(crowd.started, 2) << "rows 3 and 4 never start";
  EXPECT_EQ(crowd.finished, 0);
  EXPECT_EQ(crowd.active, 0);
  ASSERT_EQ(crowd.heard.size(), 2u);
  EXPECT_EQ(crowd.heard[0], "sibling \"work-item-2\" failed");
}

TEST_F(OnError, ContinueReturnsResultsAndErrors) {
  manual_runtime rt;
  const auto got = rt.run(work(rows)
                              .in_parallel(2)
                              .on_error(on_error::continue_)
                              .retry({.times = 2})
                              .filter([](int row) { return row != 4; })
                              .for_each(even_only));
  EXPECT_EQ(got.results, (std::vector<int>{0, 2}));
  EXPECT_EQ(got.filtered, 1u);
  ASSERT_EQ(got.errors.size(), 2u);
  EXPECT_EQ(got.errors[0].index, 1u);
  EXPECT_EQ(got.errors[0].item, 1);
  EXPECT_EQ(got.errors[0].attempts, 2u) << "all attempts count";
  EXPECT_EQ(test::what_of(got.errors[0].error), "odd 1");
  EXPECT_EQ(got.errors[1].item, 3);
}

TEST_F(OnError, ContinueListsItemsThatRanOutOfTime) {
  manual_runtime rt;
  const auto got =
      rt.run(work(rows).in_parallel(5).timeout(5ms).on_error(on_error::continue_).for_each([](context& ctx, int row) {
        ctx.sleep_for(std::chrono::milliseconds(row * 2));
        return row;
      }));
  EXPECT_EQ(got.results, (std::vector<int>{0, 1, 2}));
  ASSERT_EQ(got.errors.size(), 2u);
  EXPECT_EQ(test::what_of(got.errors[0].error), "work-item-3 took longer than 5 ms");
}

// One item is cancelled alone: it is no success, and it is not silently absent.
TEST_F(OnError, AnItemThatAloneWasCancelledIsAnError) {
  const auto one_stopped = [](context& ctx, int row) {
    if (row == 2) {
      ctx.node().cell()->request(reason::user{"not this one"});
      ctx.check();
    }
    return row;
  };
  manual_runtime rt;
  const auto got = rt.run(work(rows).on_error(on_error::continue_).for_each(one_stopped));
  EXPECT_EQ(got.results, (std::vector<int>{0, 1, 3, 4}));
  ASSERT_EQ(got.errors.size(), 1u);
  EXPECT_THROW(std::rethrow_exception(got.errors[0].error), task_cancelled);
  const auto some = rt.run(work(rows).on_error(on_error::partial).for_each(one_stopped));
  ASSERT_EQ(some.cancelled.size(), 1u);
  EXPECT_EQ(describe(some.cancelled[0].why), "user: not this one");
  EXPECT_THROW(rt.run(work(rows).for_each(one_stopped)), task_cancelled);
}

TEST_F(OnError, CollectReturnsAnOutcomeForEachItemInTheirOrder) {
  manual_runtime rt;
  auto got = rt.run(work(rows)
                        .in_parallel(5)
                        .on_error(on_error::collect)
                        .filter([](int row) { return row != 4; })
                        .for_each([](context& ctx, int row) {
                          ctx.sleep_for(std::chrono::milliseconds(10 - row));
                          return even_only(row);
                        }));
  ASSERT_EQ(got.size(), 5u);
  EXPECT_EQ(std::move(got[0]).value(), 0);
  EXPECT_EQ(test::what_of(got[1].error()), "odd 1");
  EXPECT_EQ(std::move(got[2]).value(), 2);
  ASSERT_TRUE(got[4].is_cancelled());
  EXPECT_EQ(describe(got[4].why()), "manual: filtered");
}

TEST_F(OnError, PartialListsWhatRanOutOfTimeAndGoesOn) {
  manual_runtime rt;
  bool inside = false;
  const auto got = rt.run(work(rows).timeout(5ms).on_error(on_error::partial).for_each([&](context& ctx, int row) {
    inside = true;
    ctx.defer([&] { inside = false; });
    ctx.sleep_for(row == 1 ? 1h : 1ms);
    return row;
  }));
  EXPECT_FALSE(inside) << "what ran out of time has ended";
  EXPECT_EQ(got.results, (std::vector<int>{0, 2, 3, 4}));
  ASSERT_EQ(got.cancelled.size(), 1u);
  EXPECT_EQ(got.cancelled[0].index, 1u);
  EXPECT_EQ(got.cancelled[0].item, 1);
  ASSERT_TRUE(std::holds_alternative<reason::timeout>(got.cancelled[0].why));
  ASSERT_TRUE(got.why.has_value());
  EXPECT_EQ(kind_of(*got.why), "timeout");
}

TEST_F(OnError, PartialIsCompleteWhenItemsWereOnlyFiltered) {
  manual_runtime rt;
  const auto got =
      rt.run(work(rows).on_error(on_error::partial).filter([](int row) { return row > 2; }).for_each([](int row) {
        return row;
      }));
  EXPECT_EQ(got.results, (std::vector<int>{3, 4}));
  EXPECT_EQ(got.filtered, 3u);
  EXPECT_TRUE(got.cancelled.empty());
  EXPECT_FALSE(got.why.has_value());
}

TEST_F(OnError, PartialReturnsWhatItHasWhenItsScopeIsStopped) {
  manual_runtime rt;
  const auto got =
      rt.run(timeout(25ms, work(rows).in_parallel(2).on_error(on_error::partial).for_each(crowd.member(10ms))));
  EXPECT_EQ(got.results, (std::vector<int>{0, 1, 2, 3}));
  ASSERT_EQ(got.cancelled.size(), 1u);
  EXPECT_EQ(got.cancelled[0].item, 4);
  ASSERT_TRUE(got.why.has_value());
  EXPECT_EQ(kind_of(*got.why), "timeout");
  EXPECT_EQ(crowd.active, 0);
}

TEST_F(OnError, PartialThrowsAnOrdinaryError) {
  manual_runtime rt;
  auto f = [member = crowd.member(1h)](context& ctx, int row) { return row == 1 ? even_only(row) : member(ctx, row); };
  EXPECT_EQ(test::error_of([&] { rt.run(work(rows).in_parallel(5).on_error(on_error::partial).for_each(f)); }),
            "odd 1");
  EXPECT_EQ(crowd.active, 0);
}

TEST_F(OnError, OtherModesAreCancelledWithTheirScope) {
  manual_runtime rt;
  const auto job = work(rows).in_parallel(2).on_error(on_error::continue_).for_each(crowd.member(10ms));
  EXPECT_THROW(rt.run(timeout(25ms, job)), timed_out);
  EXPECT_EQ(crowd.active, 0);
}

TEST_F(OnError, CountsTheSuccessesOfFunctionsWithoutAValue) {
  manual_runtime rt;
  const auto got = rt.run(work(rows).on_error(on_error::continue_).for_each([](int row) { even_only(row); }));
  EXPECT_EQ(got.succeeded, 3u);
  EXPECT_EQ(got.errors.size(), 2u);
}

TEST_F(OnError, ReportsBorrowedItemsThatCannotBeCopiedByReference) {
  manual_runtime rt;
  std::vector<std::unique_ptr<int>> own;
  own.push_back(std::make_unique<int>(1));
  auto fails = [](std::unique_ptr<int>& p) { even_only(*p); };
  const auto lent = rt.run(work(own).on_error(on_error::continue_).for_each(fails));
  EXPECT_EQ(&lent.errors.at(0).item.get(), &own[0]);
  const auto given = rt.run(work(std::move(own)).on_error(on_error::continue_).for_each(fails));
  EXPECT_EQ(*given.errors.at(0).item, 1);
}

}  // namespace
}  // namespace workit
