// A client disconnects from a request of nineteen members; one cancellation ends all of them.
#include "acceptance.hpp"

namespace workit::test {
namespace {

/// What the members of the request have done.
struct request {
  int members = 0, cleaned = 0, told = 0;
  int attempts = 0;
  bool streaming = false, retrying = false, flushed = false;

  /// Counts a member's life, and whether it heard of the disconnect.
  template <class F>
  auto member(F body) {
    return [this, body](context& ctx) mutable {
      ++members;
      ctx.defer([this] { ++cleaned; });
      try {
        body(ctx);
      } catch (const cancelled& c) {
        told += describe(c.why()) == "user: client disconnected";
        throw;
      }
    };
  }
};

class ClientDisconnect : public acceptance {};

TEST_P(ClientDisconnect, EndsEveryMemberWithOneReason) {
  constexpr int rerankers = 4, tools = 3, searches = 8;
  run_scenario(
      [&](scenario_fixture& fixture) {
        auto& rerank = fixture.make_part("rerank");
        auto& tool = fixture.make_part("tool");
        request seen;
        const auto serve = [&](scope& s) {
          const channel<int> words;
          s.spawn({.name = "stream"}, seen.member([&seen, words](context&) {
            for (int word = 0;; ++word) {
              words.send(word);
              seen.streaming = true;
            }
          }));
          for (int i = 0; i < searches; ++i)
            s.spawn({.name = "search"}, seen.member([](context& ctx) { ctx.sleep_for(24h); }));
          for (int i = 0; i < rerankers; ++i) s.spawn({.name = "rerank"}, seen.member(rerank.body()));
          for (int i = 0; i < tools; ++i) s.spawn({.name = "tool"}, seen.member(tool.body()));
          s.spawn({.name = "metrics"},
                  seen.member(retry({.times = 1000, .initial_delay = 24h, .max_delay = 24h}, [&seen](context&) {
                    ++seen.attempts;
                    seen.retrying = true;
                    throw std::runtime_error("no server");
                  })));
          background(s, {.name = "audit"}, seen.member([&seen](context& ctx) {
            try {
              ctx.sleep_for(24h);
            } catch (const cancelled&) {
              // The flush is longer than what a cancelled fiber may take, and is let finish all the same.
              uncancellable(10s, [&seen](context& c) {
                c.sleep_for(20ms);
                seen.flushed = true;
              })(ctx);
              throw;
            }
          }));
          EXPECT_EQ(words.receive(), 0);
          rerank.await(s, rerankers);
          tool.await(s, tools);
          while (!seen.retrying || !seen.streaming) s.sleep_for(1ms);
          EXPECT_EQ(seen.members, 18);
          EXPECT_EQ(seen.cleaned, 0) << "the control arm: all are at work until the client disconnects";
          EXPECT_TRUE(s.cancel(reason::user{"client disconnected"}));
          s.check();
        };
        try {
          fixture.run(serve);
          ADD_FAILURE() << "the cancellation was lost";
        } catch (const scope_cancelled& e) {
          EXPECT_TRUE(std::holds_alternative<reason::user>(e.why()));
        }
        fixture.returned();
        EXPECT_EQ(seen.cleaned, 18);
        EXPECT_EQ(seen.told, 18);
        EXPECT_TRUE(seen.flushed);
        EXPECT_EQ(seen.attempts, 1);
        fixture.outlast();
        EXPECT_EQ(seen.attempts, 1);
        const auto& r = fixture.receipt();
        EXPECT_EQ(r.tasks, 18u);
        EXPECT_EQ(r.cancelled, 18u);
        EXPECT_EQ(r.outcome, scope_outcome::cancelled);
        if (fixture.is_fiber()) return;
        ASSERT_EQ(r.stops.size(), static_cast<std::size_t>(rerankers + tools));
        for (const auto& stop : r.stops) {
          EXPECT_EQ(stop.receipt.method, stop_method_at(fixture.where())) << stop.task;
          EXPECT_TRUE(std::holds_alternative<reason::user>(stop.receipt.why)) << stop.task;
          EXPECT_LE(stop.receipt.stopped, r.closed) << stop.task;
          EXPECT_TRUE(stop.receipt.reclaimed) << stop.task;
        }
      },
      {.workers = rerankers + tools, .spares = 1});
}

INSTANTIATE_TEST_SUITE_P(On, ClientDisconnect, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
