// work(): ranges, channels and functions as sources.
#include "sources.hpp"

#include <list>
#include <map>
#include <span>
#include <support/refused.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class WorkSource : public test::runtime_test {
 protected:
  test::source_log log;
  static int same(int row) { return row; }
};

TEST_F(WorkSource, MayBeAnyRange) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(work(std::list<int>{1, 2}).collect()), (std::vector<int>{1, 2}));
  EXPECT_EQ(rt.run(work(std::vector<bool>{true, false}).collect()), (std::vector<bool>{true, false}));
  const int array[] = {7, 8};
  EXPECT_EQ(rt.run(work(array).collect()), (std::vector<int>{7, 8}));
  EXPECT_EQ(rt.run(work(std::span(array)).collect()), (std::vector<int>{7, 8})) << "a view lends what it views";
  EXPECT_EQ(rt.run(work(std::map<int, char>{{1, 'a'}}).collect()).at(0).second, 'a');
}

TEST_F(WorkSource, IsReferredToWhenItIsAnLvalue) {
  manual_runtime rt;
  std::vector<std::string> names{"a", "b"};
  rt.run(work(names).for_each([](std::string& name) { name += "!"; }));
  EXPECT_EQ(names, (std::vector<std::string>{"a!", "b!"}));
  const auto& fixed = names;
  rt.run(work(fixed).for_each([&](const std::string& name) { EXPECT_TRUE(&name == &names[0] || &name == &names[1]); }));
}

TEST_F(WorkSource, MayBeASinglePassRange) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(work(test::numbers(log, 5)).in_parallel(2).for_each(same)), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(log.gone());
  EXPECT_EQ(log.produced, 5);
}

TEST_F(WorkSource, IsDestroyedBeforeTheRunReturnsEvenIfItsFunctionIsKept) {
  manual_runtime rt;
  auto job = work(test::numbers(log, 5)).for_each(same);
  EXPECT_FALSE(log.gone());
  rt.run(std::ref(job));
  EXPECT_TRUE(log.gone());
}

TEST_F(WorkSource, IsDestroyedWhenAnItemFails) {
  manual_runtime rt;
  auto job = work(test::numbers(log)).in_parallel(4).for_each(test::even_only);
  EXPECT_EQ(test::error_of([&] { rt.run(std::ref(job)); }), "odd 1");
  EXPECT_TRUE(log.gone());
  EXPECT_LE(log.produced, 6);
}

TEST_F(WorkSource, IsDestroyedWhenTheScopeIsCancelled) {
  manual_runtime rt;
  auto job = work(test::numbers(log)).in_parallel(4).for_each([](context& ctx, int) { ctx.sleep_for(1h); });
  EXPECT_THROW(rt.run(timeout(5ms, std::ref(job))), timed_out);
  EXPECT_TRUE(log.gone());
  EXPECT_EQ(log.produced, 4);
}

TEST_F(WorkSource, MayBeAChannelUntilItIsClosed) {
  manual_runtime rt;
  channel<int> rows({.capacity = 2});
  rt.run([&](scope& s) {
    s.spawn([rows](context& ctx) {
      for (int i = 0; i < 5; ++i) {
        ctx.sleep_for(3ms);
        rows.send(i);
      }
      rows.close();
    });
    EXPECT_EQ(work(rows).in_parallel(3).for_each(same)(s), (std::vector<int>{0, 1, 2, 3, 4}));
  });
}

TEST_F(WorkSource, ShowsTheErrorThatAChannelWasClosedWith) {
  manual_runtime rt;
  std::string heard;
  channel<int> rows({.capacity = 2});
  EXPECT_EQ(test::error_of([&] {
              rt.run([&](scope& s) {
                s.spawn([rows](context& ctx) {
                  rows.send(1);
                  ctx.sleep_for(3ms);
                  rows.close(std::make_exception_ptr(std::runtime_error("line cut")));
                });
                work(rows).in_parallel(3).on_error(on_error::continue_).for_each([&](context& ctx, int) {
                  try {
                    ctx.sleep_for(1h);
                  } catch (const cancelled& c) {
                    heard = kind_of(c.why());
                    throw;
                  }
                })(s);
              });
            }),
            "line cut");
  EXPECT_EQ(heard, "parent_failed") << "the items were told, and joined";
}

TEST_F(WorkSource, MayBeAFunctionThatSuspends) {
  manual_runtime rt;
  const auto next = [i = 0](context& ctx) mutable -> std::optional<std::unique_ptr<int>> {
    ctx.sleep_for(1ms);
    if (i == 3) return std::nullopt;
    return std::make_unique<int>(i++);
  };
  EXPECT_EQ(rt.run(work(next).for_each([](std::unique_ptr<int> row) { return *row; })), (std::vector<int>{0, 1, 2}));
  const auto plain = [i = 0]() mutable { return i < 2 ? std::optional(i++) : std::nullopt; };
  EXPECT_EQ(rt.run(work(plain).collect()), (std::vector<int>{0, 1}));
}

TEST_F(WorkSource, ThatFailsStopsTheItems) {
  manual_runtime rt;
  test::crowd crowd;
  auto broken = [i = 0]() mutable -> std::optional<int> {
    if (i == 2) throw std::runtime_error("disk");
    return i++;
  };
  EXPECT_EQ(test::error_of([&] { rt.run(work(broken).in_parallel(9).for_each(crowd.member(1h))); }), "disk");
  EXPECT_EQ(crowd.active, 0);
}

// The values come although the source is silent.
TEST_F(WorkSource, ThatWaitsKeepsNoValueBack) {
  manual_runtime rt;
  std::vector<duration> at;
  rt.run([&](scope& s) {
    const auto began = s.now();
    auto slow = [i = 0](context& ctx) mutable -> std::optional<int> {
      if (i == 2) {
        ctx.sleep_for(1h);
        return std::nullopt;
      }
      return i++;
    };
    for ([[maybe_unused]] int row : work(slow)
                                        .in_parallel(4)
                                        .map([](context&ctx, int row) {
                                          ctx.sleep_for(1ms);
                                          return row;
                                        })
                                        .stream(s))
      at.push_back(s.now() - began);
  });
  EXPECT_EQ(at, (std::vector<duration>{1ms, 1ms}));
}

TEST_F(WorkSource, IsPassedAgainWhereItCanBe) {
  manual_runtime rt;
  auto job = work(std::vector<int>{1, 2}).for_each(same);
  EXPECT_EQ(rt.run(std::ref(job)), (std::vector<int>{1, 2}));
  EXPECT_EQ(rt.run(std::ref(job)), (std::vector<int>{1, 2}));
}

TEST_F(WorkSource, ThatIsUsedUpSaysSo) {
  manual_runtime rt;
  auto job = work(test::numbers(log, 2)).for_each(same);
  rt.run(std::ref(job));
  EXPECT_REFUSED(rt.run(std::ref(job)), "has been used up by an earlier run");
}

}  // namespace
}  // namespace workit
