// work(): on_progress and on_item_done.
#include "sources.hpp"

#include <workit/observe/event_sink.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Hooks : public test::runtime_test {
 protected:
  std::vector<int> rows{0, 1, 2, 3};
  std::vector<std::string> told;

  auto teller() {
    return [this](const auto& done) {
      auto text = std::to_string(done.index) + "/" + std::to_string(done.item) + " " + std::string(to_string(done.how));
      if (done.value != nullptr) text += " " + std::to_string(*done.value);
      if (done.error) text += " " + test::what_of(done.error);
      if (done.why != nullptr) text += " " + describe(*done.why);
      told.push_back(text + " x" + std::to_string(done.attempts));
    };
  }
};

TEST_F(Hooks, HearHowEachItemEndedInTheOrderInWhichTheyDid) {
  manual_runtime rt;
  rt.run(work(rows)
             .in_parallel(4)
             .retry({.times = 2, .initial_delay = 1ms})
             .on_error(on_error::continue_)
             .filter([](int row) { return row != 2; })
             .on_item_done(teller())
             .for_each([](context& ctx, int row) {
               ctx.sleep_for(std::chrono::milliseconds(10 - row));
               return test::even_only(row) * 10;
             }));
  EXPECT_EQ(told, (std::vector<std::string>{"2/2 cancelled manual: filtered x1", "0/0 succeeded 0 x1",
                                            "3/3 failed odd 3 x2", "1/1 failed odd 1 x2"}));
}

TEST_F(Hooks, HearOfItemsThatWereCancelledWithTheirSiblings) {
  manual_runtime rt;
  auto job = work(rows).in_parallel(3).on_item_done(teller()).for_each([](context& ctx, int row) {
    ctx.sleep_for(row == 1 ? 1ms : 1h);
    return test::even_only(row);
  });
  EXPECT_THROW(rt.run(job), std::runtime_error);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0], "1/1 failed odd 1 x1");
  for (const auto i : {1u, 2u})
    EXPECT_NE(told[i].find("cancelled sibling \"work-item-1\" failed x1"), std::string::npos) << told[i];
}

TEST_F(Hooks, HearOfAnItemWhenAllOfItHasEnded) {
  manual_runtime rt;
  rt.run(work(rows).on_item_done([&](const auto&) { told.emplace_back("done"); }).for_each([&](context& ctx, int) {
    ctx.defer([&] { told.emplace_back("cleanup"); });
  }));
  EXPECT_EQ(told[0], "cleanup");
  EXPECT_EQ(told[1], "done");
  EXPECT_EQ(told.size(), 8u);
}

TEST_F(Hooks, HearWhatABodyReportsAlsoFromWithinItsWrappers) {
  manual_runtime rt;
  const auto job = [&](auto builder) {
    return builder
        .on_progress([&](const item_progress<int>& p) {
          told.push_back(std::to_string(p.index) + "/" + std::to_string(p.item) + " " +
                         std::string(p.said.message.value_or("-")) + (p.said.pct ? " pct" : "") +
                         (p.said.data.empty() ? "" : " data"));
        })
        .for_each([](context& ctx, int) {
          ctx.report({.pct = 0.5, .message = "half", .data = {{"rows", 1}}});
          ctx.report({});
        });
  };
  rows.resize(1);
  const std::vector<std::string> all{"0/0 half pct data", "0/0 -"};
  rt.run(job(work(rows)));
  EXPECT_EQ(told, all);
  told.clear();
  rt.run(job(work(rows).retry({}).timeout(1s)));
  EXPECT_EQ(told, all) << "not once for each scope around it";
}

// A hook that throws neither fails the item, nor hides it, nor is told again.
TEST_F(Hooks, AreIsolated) {
  event_sink sink;
  manual_runtime rt;
  int calls = 0;
  const auto got = rt.run([&](scope& s) {
    sink.attach(s).keep();
    return work(rows)
        .in_parallel(2)
        .on_item_done([&](const auto& done) {
          ++calls;
          if (done.index == 1) throw std::runtime_error("no space left");
        })
        .on_progress([](const auto&) { throw 7; })
        .for_each([](context& ctx, int row) {
          ctx.report({});
          return row;
        })(s);
  });
  EXPECT_EQ(got, rows);
  EXPECT_EQ(calls, 4);
  std::vector<std::string> logged;
  for (const auto& e : sink.take_all())
    if (kind_of(e) == "log") {
      std::string text = e.name + ": " + *e.message;
      for (const auto& [name, value] : e.data) text += " " + name + "=" + value;
      logged.push_back(text);
    }
  ASSERT_EQ(logged.size(), 5u);
  EXPECT_EQ(std::count(logged.begin(), logged.end(),
                       "work: a hook of work() has thrown hook=on_item_done index=1 what=no space left"),
            1);
  EXPECT_EQ(std::count(logged.begin(), logged.end(),
                       "work: a hook of work() has thrown hook=on_progress index=3 what=something that is no "
                       "std::exception"),
            1);
}

TEST_F(Hooks, HearBeforeTheConsumerOfAStream) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    for (const int v : work(rows).on_item_done(teller()).map([](int row) { return row * 10; }).stream(s)) {
      EXPECT_EQ(told.at(static_cast<std::size_t>(v) / 10).substr(4), "succeeded " + std::to_string(v) + " x1");
    }
  });
  EXPECT_EQ(told.size(), 4u);
}

TEST_F(Hooks, MayBeFunctionsWithoutAValueAndReferences) {
  manual_runtime rt;
  rt.run(work(rows).on_item_done([&](const item_done<int, void>& d) { EXPECT_EQ(d.value, nullptr); }).for_each([](int) {
  }));
  rt.run(work(rows)
             .on_item_done([&](const item_done<int, int&>& d) { EXPECT_EQ(d.value, &d.item); })
             .for_each([](int& row) -> int& { return row; }));
}

}  // namespace
}  // namespace workit
