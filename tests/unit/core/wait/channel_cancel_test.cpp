// Channels whose senders and receivers are cancelled, and the values' ends.
#include <gtest/gtest.h>

#include <optional>
#include <support/fixture.hpp>
#include <utility>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/channel.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class ChannelCancel : public test::runtime_test {};

/// Counts the live objects, moved-from ones included: each value has to be destroyed once.
class counted {
 public:
  explicit counted(int& live) noexcept : live_(&live) { ++live; }
  counted(counted&& other) noexcept : live_(std::exchange(other.live_, nullptr)) {}
  ~counted() {
    if (live_ != nullptr) --*live_;
  }

 private:
  int* live_;
};

TEST_F(ChannelCancel, EndsAReceiverThatWaits) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    auto receiver = s.spawn([values] { static_cast<void>(values.receive()); });
    s.sleep_for(1h);
    EXPECT_EQ(receiver.status(), task_status::running) << "it waits, however long, until it is cancelled";
    receiver.cancel("enough");
    EXPECT_TRUE(receiver.result().is_cancelled());
    EXPECT_FALSE(values.closed()) << "a receiver that leaves does not close";
    values.send(1);
    EXPECT_EQ(values.receive(), 1) << "the value went to a receiver that was gone";
  });
}

TEST_F(ChannelCancel, EndsAReceiverAtTheDeadlineOfItsScope) {
  manual_runtime rt;
  const channel<int> values;
  const auto receive = [&](scope&) { static_cast<void>(values.receive()); };
  EXPECT_THROW(rt.run({.deadline = 50ms}, receive), timed_out);
  values.close();
  rt.run({.deadline = 50ms}, receive);
}

TEST_F(ChannelCancel, TakesASenderThatWaitsOutOfTheLine) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    values.send(1);
    auto leaves = s.spawn([values] { values.send(2); });
    auto stays = s.spawn([values] { values.send(3); });
    s.sleep_for(1s);
    leaves.cancel("enough");
    EXPECT_TRUE(leaves.result().is_cancelled());
    EXPECT_EQ(values.receive(), 1);
    EXPECT_EQ(values.receive(), 3);
    stays.get();
    EXPECT_EQ(values.try_receive(), std::nullopt);
  });
}

TEST_F(ChannelCancel, IsSeenAtOnceByAReceiverThatIsStoppingAlready) {
  manual_runtime rt;
  const channel<int> values({.capacity = 4});
  EXPECT_TRUE(values.try_send(1));
  for (const bool sends : {true, false})
    EXPECT_THROW(rt.run([&](scope& s) {
      s.cancel("before");
      if (sends)
        values.send(2);
      else
        static_cast<void>(values.receive());
    }),
                 scope_cancelled);
  EXPECT_EQ(values.try_receive(), 1) << "neither the send nor the receive may have happened";
  EXPECT_EQ(values.try_receive(), std::nullopt);
}

TEST_F(ChannelCancel, ComesAfterAValueThatWasHandedOver) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    std::optional<int> got;
    auto receiver = s.spawn([&, values](context& ctx) {
      got = values.receive();
      ctx.check();
      ADD_FAILURE() << "the next cancel point has to throw";
    });
    s.sleep_for(1s);
    values.send(1);               // the receiver is chosen,
    receiver.cancel("too late");  // and has not run yet
    EXPECT_TRUE(receiver.result().is_cancelled());
    EXPECT_EQ(got, 1);
  });
}

TEST_F(ChannelCancel, ThatComesFirstStillLetsAHandOverArrive) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    std::optional<int> got;
    auto receiver = s.spawn([&, values](context&) { got = values.receive(); });
    s.sleep_for(1s);
    receiver.cancel("now");  // delivered at the loop's next turn: the receiver is still queued
    values.send(1);
    receiver.wait();
    EXPECT_EQ(got, 1) << "what was handed over got lost";
    EXPECT_EQ(values.size(), 0u);
  });
}

TEST_F(ChannelCancel, ComesAfterAValueThatWasTaken) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    values.send(1);
    bool sent = false;
    auto sender = s.spawn([&, values](context& ctx) {
      values.send(2);
      sent = true;
      ctx.check();
    });
    s.sleep_for(1s);
    EXPECT_EQ(values.receive(), 1);
    sender.cancel("too late");
    EXPECT_TRUE(sender.result().is_cancelled());
    EXPECT_TRUE(sent);
    EXPECT_EQ(values.receive(), 2);
  });
}

TEST_F(ChannelCancel, DestroysEachValueOnce) {
  int live = 0;
  {
    manual_runtime rt;
    const channel<counted> left_in({.capacity = 4});
    rt.run([&](scope& s) {
      for (int i = 0; i < 3; ++i) left_in.send(counted(live));
      EXPECT_EQ(live, 3);
      const channel<counted> full;
      full.send(counted(live));
      auto cancelled = s.spawn([&, full] { full.send(counted(live)); });
      auto refused = s.spawn({.background = true}, [&, full] { full.send(counted(live)); });
      s.sleep_for(1s);
      EXPECT_EQ(live, 6);
      cancelled.cancel("leave");
      EXPECT_TRUE(cancelled.result().is_cancelled());
      EXPECT_EQ(live, 5);
      full.close();
      EXPECT_TRUE(refused.result().is_error());
      EXPECT_EQ(live, 4);
      {
        const auto taken = full.receive();
        EXPECT_EQ(live, 4);
      }
      EXPECT_EQ(live, 3);
      EXPECT_THROW(full.send(counted(live)), channel_closed);
      EXPECT_EQ(live, 3);
    });
  }
  EXPECT_EQ(live, 0) << "what was left in the channel goes with it";
}

// A destructor that awaits the answer of a neighbour while its fiber unwinds.
struct asks_in_destructor {
  const channel<int>& questions;
  const channel<int>& answers;
  std::optional<int>& got;
  ~asks_in_destructor() {
    questions.send(6);
    got = answers.receive();
  }
};

TEST_F(ChannelCancel, WaitsForADestructorWhileItsFiberUnwinds) {
  manual_runtime rt;
  const channel<int> questions, answers;
  std::optional<int> got;
  rt.run([&](scope& s) {
    auto asks = s.spawn([&](context& ctx) {
      const asks_in_destructor guard{questions, answers, got};
      ctx.sleep_for(1h);
    });
    s.spawn([&](context& ctx) {
      const auto question = questions.receive();
      ctx.sleep_for(1min);  // longer than the bound of cleanups: the frame needs its answer
      answers.send(*question * 7);
    });
    s.sleep_for(1s);
    asks.cancel("stop");
    EXPECT_TRUE(asks.result().is_cancelled());
  });
  EXPECT_EQ(got, 42);
}

TEST_F(ChannelCancel, EndsACleanupThatWaitsBeyondItsBound) {
  manual_runtime rt;
  const channel<int> values;
  bool left = false;
  rt.run([&](scope& s) {
    s.defer({.timeout = 1s}, [&](context&) {
      const struct mark {
        bool& set;
        ~mark() { set = true; }
      } mark{left};
      static_cast<void>(values.receive());
      ADD_FAILURE();
    });
  });
  EXPECT_TRUE(left);
}

}  // namespace
}  // namespace workit
