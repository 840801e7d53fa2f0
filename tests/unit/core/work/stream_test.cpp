// work(): stream(), held back by its consumer.
#include "sources.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Stream : public test::runtime_test {
 protected:
  test::source_log log;
  test::crowd crowd;
};

template <class S>
concept movable_stream = std::is_move_constructible_v<S>;
static_assert(!movable_stream<decltype(work(std::declval<std::vector<int>&>()).stream(std::declval<context&>()))>,
              "its end waits for what runs below it");

TEST_F(Stream, YieldsInTheOrderOfCompletion) {
  manual_runtime rt;
  std::vector<int> rows{1, 2, 3, 4, 5}, got;
  rt.run([&](scope& s) {
    auto last_first = [](context& ctx, int row) {
      ctx.sleep_for(std::chrono::milliseconds(10 - row));
      return row;
    };
    for (const int v : work(rows).in_parallel(5).map(last_first).stream(s)) got.push_back(v);
  });
  EXPECT_EQ(got, (std::vector<int>{5, 4, 3, 2, 1}));
}

TEST_F(Stream, YieldsEachItemWhenItIsReadyNotWithItsBatch) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    const auto began = s.now();
    auto stream = work(test::numbers(log))
                      .in_parallel(3)
                      .map([](context& ctx, int row) {
                        ctx.sleep_for(row == 0 ? 1h : 1ms);
                        return row;
                      })
                      .stream(s);
    EXPECT_EQ(stream.next(), 1);
    EXPECT_EQ(s.now() - began, 1ms);
  });
}

TEST_F(Stream, IsLazyUntilTheFirstValueIsAskedFor) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    {
      auto stream = work(test::numbers(log)).in_parallel(16).stream(s);
      s.sleep_for(1s);
      EXPECT_EQ(log.produced, 0);
      EXPECT_FALSE(log.gone());
    }
    EXPECT_TRUE(log.gone());
  });
}

// A thousand million rows, sixteen at a time, the consumer stops at the twenty-fifth.
TEST_F(Stream, OfAThousandMillionRowsLeftEarlyStopsAndDestroysTheSource) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    int consumed = 0;
    for ([[maybe_unused]] const int v : work(test::numbers(log)).in_parallel(16).map(crowd.member(5ms)).stream(s)) {
      EXPECT_FALSE(log.gone());
      if (++consumed == 25) break;
      s.sleep_for(1ms);
    }
    EXPECT_EQ(consumed, 25);
    EXPECT_LE(log.produced, 41);
    EXPECT_EQ(crowd.most, 16);
    EXPECT_EQ(crowd.active, 0) << "in flight, and joined";
    EXPECT_TRUE(log.gone());
    EXPECT_TRUE(s.status().tasks.empty() || s.status().tasks.back().status == task_status::cancelled);
  });
  ASSERT_FALSE(crowd.heard.empty());
  EXPECT_EQ(crowd.heard[0], "manual: stream_consumer_closed");
}

// The consumer is slower than the source.
TEST_F(Stream, IsHeldBackByItsConsumer) {
  manual_runtime rt;
  int consumed = 0, overshoot = 0;
  rt.run([&](scope& s) {
    for ([[maybe_unused]] const int v :
         work(test::numbers(log, 5000)).in_parallel(16).map(crowd.member(5ms)).stream(s)) {
      s.sleep_for(7ms);
      overshoot = std::max(overshoot, log.produced - ++consumed);
      if (consumed == 200) break;
    }
  });
  EXPECT_EQ(consumed, 200);
  EXPECT_LE(overshoot, 16);
  EXPECT_LE(crowd.most, 16);
  EXPECT_EQ(crowd.active, 0);
}

TEST_F(Stream, EndsWithTheErrorOfAnItemAfterItsSiblingsWereJoined) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    std::vector<int> got;
    auto f = [member = crowd.member(1h)](context& ctx, int row) {
      if (row == 0) return row;
      if (row == 1) {
        ctx.sleep_for(1ms);
        throw std::runtime_error("row 1");
      }
      return member(ctx, row);
    };
    auto stream = work(test::numbers(log)).in_parallel(4).map(f).stream(s);
    EXPECT_EQ(test::error_of([&] {
                for (const int v : stream) got.push_back(v);
              }),
              "row 1");
    EXPECT_EQ(got, (std::vector<int>{0}));
    EXPECT_EQ(crowd.active, 0);
    EXPECT_TRUE(log.gone());
    EXPECT_EQ(crowd.heard.at(0), "sibling \"work-stream-item-1\" failed");
    EXPECT_EQ(stream.next(), std::nullopt) << "the error comes once";
    s.check();  // the scope around it goes on
  });
}

TEST_F(Stream, GivesWhatWasReadyBeforeTheError) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto stream = work(test::numbers(log, 4))
                      .in_parallel(4)
                      .map([](context& ctx, int row) {
                        ctx.sleep_for(std::chrono::milliseconds(row));
                        return row < 3 ? row : throw std::runtime_error("row 3");
                      })
                      .stream(s);
    EXPECT_EQ(stream.next(), 0);
    s.sleep_for(10ms);
    EXPECT_EQ(stream.next(), 1);
    EXPECT_EQ(stream.next(), 2);
    EXPECT_EQ(test::error_of([&] { (void)stream.next(); }), "row 3");
  });
}

TEST_F(Stream, FilteredItemsNeedNoConsumer) {
  manual_runtime rt;
  std::vector<int> got;
  rt.run([&](scope& s) {
    for (const int v :
         work(test::numbers(log, 1000)).in_parallel(4).filter([](int row) { return row % 250 == 0; }).stream(s))
      got.push_back(v);
  });
  EXPECT_EQ(got, (std::vector<int>{0, 250, 500, 750}));
  EXPECT_TRUE(log.gone());
}

TEST_F(Stream, IsCancelledWithItsConsumersScope) {
  manual_runtime rt;
  bool left = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.tighten_deadline(12ms);
    try {
      for ([[maybe_unused]] const int v : work(test::numbers(log)).in_parallel(2).map(crowd.member(5ms)).stream(s)) {
      }
    } catch (const cancelled&) {
      left = true;
      EXPECT_EQ(crowd.active, 0);
      throw;
    }
  }),
               timed_out);
  EXPECT_TRUE(left);
  EXPECT_TRUE(log.gone());
}

TEST_F(Stream, IsClosedByTheExceptionOfItsConsumer) {
  manual_runtime rt;
  EXPECT_EQ(
      test::error_of([&] {
        rt.run([&](scope& s) {
          for ([[maybe_unused]] const int v : work(test::numbers(log)).in_parallel(8).map(crowd.member(5ms)).stream(s))
            throw std::runtime_error("consumer");
        });
      }),
      "consumer");
  EXPECT_EQ(crowd.active, 0);
  EXPECT_TRUE(log.gone());
}

TEST_F(Stream, LeftWhileItsSourceWaitsIsClosedAtOnce) {
  manual_runtime rt;
  channel<int> rows;
  rt.run([&](scope& s) {
    rows.send(1);
    const auto began = s.now();
    for ([[maybe_unused]] const int v : work(rows).in_parallel(2).stream(s)) break;
    EXPECT_EQ(s.now(), began);
  });
}

TEST_F(Stream, MayBeUsedFromWithinATaskAndInsideAStream) {
  manual_runtime rt;
  int sum = 0;
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      for (const int a : work(std::vector{1, 2, 3}).in_parallel(2).stream(ctx))
        for (const int b : work(std::vector{10, 20}).in_parallel(2).stream(ctx)) sum += a * b;
    });
  });
  EXPECT_EQ(sum, 180);
}

TEST_F(Stream, MayBeUsedInACleanup) {
  manual_runtime rt;
  int sum = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer([&](context& ctx) {
      for (const int v : work(std::vector{1, 2, 3}).map(crowd.member(1ms)).stream(ctx)) sum += v;
    });
    s.cancel("gone");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(sum, 6) << "a cleanup is shielded, and so is what it starts";
}

TEST_F(Stream, YieldsNothingsAndReferences) {
  manual_runtime rt;
  std::vector<int> rows{1, 2};
  rt.run([&](scope& s) {
    for (const auto v : work(rows).map([](int& row) -> int& { return row; }).stream(s)) v.get() += 1;
    int n = 0;
    for ([[maybe_unused]] const auto v : work(rows).map([](int) {}).stream(s)) ++n;
    EXPECT_EQ(n, 2);
  });
  EXPECT_EQ(rows, (std::vector<int>{2, 3}));
}

TEST_F(Stream, HasOneConsumer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        manual_runtime rt;
        rt.run([&](scope& s) {
          auto stream = work(test::numbers(log)).map(crowd.member(5ms)).stream(s);
          s.spawn([&] { (void)stream.next(); });
          (void)stream.next();
        });
      },
      "it has one consumer");
}

}  // namespace
}  // namespace workit
