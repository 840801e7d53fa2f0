// remote_scope: a scope used from other threads.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

class RemoteScope : public test::runtime_test {};

TEST_F(RemoteScope, IsCancelledFromAnotherThread) {
  runtime rt;
  std::jthread canceller;
  try {
    rt.run([&](scope& s) {
      canceller = std::jthread([r = s.remote()] { EXPECT_TRUE(r.cancel("remote")); });
      s.sleep_for(24h);
    });
    ADD_FAILURE();
  } catch (const scope_cancelled& e) {
    EXPECT_EQ(std::get<reason::manual>(e.why()).tag, "remote");
  }
}

TEST_F(RemoteScope, IsGivenTasksByOtherThreads) {
  runtime rt;
  const auto io_thread = rt.run([](scope&) { return std::this_thread::get_id(); });
  std::atomic<int> sum{0};
  rt.run([&](scope& s) {
    std::vector<std::jthread> givers;
    std::atomic<int> given{0};
    for (int t = 0; t < 4; ++t)
      givers.emplace_back([r = s.remote(), &sum, &given, io_thread] {
        for (int i = 0; i < 50; ++i) {
          auto task = r.spawn({.name = "given"}, [&sum, io_thread](context&) {
            EXPECT_EQ(std::this_thread::get_id(), io_thread);
            return ++sum;
          });
          EXPECT_GT(task.get(), 0);
        }
        ++given;
      });
    while (given < 4) s.yield();
  });
  EXPECT_EQ(sum, 200);
}

TEST_F(RemoteScope, StaysOpenForWhatItsOwnBodyGaveIt) {
  std::atomic<int> ran{0};
  std::optional<scope_receipt> receipt;
  {
    runtime rt;
    rt.run({.on_receipt = [&](const scope_receipt& r) { receipt = r; }}, [&](scope& s) {
      for (int i = 0; i < 1'000; ++i) s.remote().spawn({}, [&] { ++ran; });
    });
  }
  EXPECT_EQ(ran, 1'000);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->succeeded, 1'000u);
}

TEST_F(RemoteScope, StaysOpenForWhatWasGivenBeforeItCloses) {
  runtime rt;
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> ran{0};
    std::atomic<bool> go{false};
    int expected = 0, late = 0;
    std::thread giver;
    rt.run([&](scope& s) {
      giver = std::thread([&, r = s.remote()] {
        while (!go) std::this_thread::yield();
        for (int i = 0; i < 20; ++i) {
          auto task = r.spawn({}, [&] { ++ran; });
          (task.result().is_cancelled() ? late : expected) += 1;
        }
      });
      s.defer([&] { go = true; });  // it gives while the scope closes
    });
    giver.join();
    ASSERT_EQ(ran, expected) << "round " << round;
    ASSERT_EQ(expected + late, 20);
  }
}

TEST_F(RemoteScope, ThatIsStoppingStartsNothingItIsGiven) {
  runtime rt;
  bool ran = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("gone");
    s.remote().spawn({}, [&] { ran = true; });
    s.check();
  }),
               scope_cancelled);
  EXPECT_FALSE(ran);
}

TEST_F(RemoteScope, GivenATaskAfterItHasClosedAnswersCancelled) {
  runtime rt;
  std::optional<remote_scope> r;
  rt.run([&](scope& s) { r = s.remote(); });
  EXPECT_FALSE(r->cancel("too late"));
  bool ran = false;
  auto t = r->spawn({}, [&] { ran = true; });
  auto o = t.result();
  ASSERT_TRUE(o.is_cancelled());
  EXPECT_EQ(kind_of(o.why()), "scope_ended");
  EXPECT_FALSE(ran);
}

TEST_F(RemoteScope, GivenATaskAfterItsRuntimeHasEndedAnswersCancelled) {
  std::optional<remote_scope> r;
  const auto captured = std::make_shared<int>(1);
  {
    runtime rt;
    rt.run([&](scope& s) { r = s.remote(); });
  }
  std::vector<std::jthread> threads;
  std::atomic<int> answered{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto late = r->spawn({}, [captured] {});
        std::ignore = late.cancel("so be it");
        if (late.result().is_cancelled()) ++answered;
      }
    });
  threads.clear();
  EXPECT_EQ(answered, 200);
  r.reset();
  EXPECT_EQ(captured.use_count(), 1) << "what was given too late is kept for ever";
}

TEST_F(RemoteScope, AnswersTasksGivenAtAnyMomentOfTheRuntimesEnd) {
  for (int round = 0; round < 100; ++round) {
    auto rt = std::make_unique<runtime>();
    std::optional<remote_scope> r;
    rt->run([&](scope& s) { r = s.remote(); });
    std::atomic<bool> begun{false};
    std::jthread giver([&, given = *r] {
      for (int i = 0; i < 200; ++i) {
        begun = true;
        std::ignore = given.spawn({}, [] {}).result();
      }
    });
    while (!begun) std::this_thread::yield();
    rt.reset();
  }
}

TEST_F(RemoteScope, MayBeCancelledByManyThreadsWhileItCloses) {
  runtime rt;
  for (int round = 0; round < 200; ++round) {
    std::optional<remote_scope> r;
    std::atomic<bool> ready{false};
    std::atomic<int> decided{0};
    std::vector<std::jthread> cancellers;
    for (int t = 0; t < 2; ++t)
      cancellers.emplace_back([&] {
        while (!ready) std::this_thread::yield();
        if (r->cancel("race")) ++decided;
      });
    try {
      rt.run([&](scope& s) {
        r = s.remote();
        ready = true;
        for (int i = 0; i < 3; ++i) s.spawn([](context& ctx) { ctx.yield(); });
      });
    } catch (const scope_cancelled&) {
    }
    cancellers.clear();
    ASSERT_LE(decided, 1);
  }
}

}  // namespace
}  // namespace workit
