#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/channel.hpp>
#include <workit/detail/loop.hpp>
#include <workit/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

static_assert(std::ranges::input_range<const channel<int>>);
static_assert(std::is_copy_constructible_v<channel<std::unique_ptr<int>>>);

class Channel : public test::runtime_test {};
using ChannelDeathTest = Channel;

std::vector<int> drain(const channel<int>& values) {
  std::vector<int> got;
  while (const auto value = values.receive()) got.push_back(*value);
  return got;
}

TEST_F(Channel, HoldsOneValueUnlessToldOtherwise) {
  const channel<int> one;
  EXPECT_EQ(one.capacity(), 1u);
  EXPECT_EQ(channel<int>({.capacity = 1 << 20}).capacity(), 1u << 20);
}

TEST_F(Channel, ShowsHowManyValuesItHolds) {
  const channel<int> values({.capacity = 3});
  EXPECT_EQ(values.size(), 0u);
  EXPECT_TRUE(values.try_send(1));
  EXPECT_TRUE(values.try_send(2));
  EXPECT_EQ(values.size(), 2u);
  EXPECT_EQ(values.try_receive(), 1);
  EXPECT_EQ(values.size(), 1u);
  EXPECT_FALSE(values.closed());
  values.close();
  EXPECT_TRUE(values.closed());
  EXPECT_EQ(values.size(), 1u) << "what is in it stays";
}

TEST_F(Channel, LetsASenderWaitForRoomAndThenGoesOnInOrder) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values({.capacity = 2});
    int sent = 0;
    s.spawn([&, values] {
      for (int i = 0; i < 5; ++i, ++sent) values.send(i);
      values.close();
    });
    s.sleep_for(1s);
    EXPECT_EQ(sent, 2) << "the third waits, however long";
    EXPECT_EQ(values.receive(), 0);
    s.sleep_for(1s);
    EXPECT_EQ(sent, 3);
    EXPECT_EQ(values.size(), 2u);
    EXPECT_EQ(drain(values), (std::vector{1, 2, 3, 4}));
    EXPECT_EQ(sent, 5);
  });
}

TEST_F(Channel, KeepsTheOrderOverManyRoundsOfItsRing) {
  manual_runtime rt;
  rt.run([](scope& s) {
    for (const std::size_t capacity : {1, 2, 3, 5, 64}) {
      const channel<int> values({.capacity = capacity});
      s.spawn([values] {
        for (int i = 0; i < 1000; ++i) values.send(i);
        values.close();
      });
      int next = 0;
      for (const int value : values) ASSERT_EQ(value, next++);
      EXPECT_EQ(next, 1000);
    }
  });
}

TEST_F(Channel, ServesWaitingSendersFirstComeFirstServed) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    for (int i = 0; i < 5; ++i) s.spawn([values, i] { values.send(i); });
    s.sleep_for(1s);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(values.receive(), i);
  });
}

TEST_F(Channel, HandsAValueToTheReceiverThatHasWaitedLongest) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    std::vector<std::pair<int, int>> got;
    for (int i = 0; i < 3; ++i) s.spawn([&, values, i](context&) { got.emplace_back(i, values.receive().value()); });
    s.sleep_for(1s);
    for (int i = 10; i < 13; ++i) {
      values.send(i);  // capacity is 1: only because receivers wait does the second not wait
      EXPECT_EQ(values.size(), 0u);
      EXPECT_EQ(values.try_receive(), std::nullopt) << "a late-comer took what was handed to another";
    }
    s.yield();
    EXPECT_EQ(got, (std::vector<std::pair<int, int>>{{0, 10}, {1, 11}, {2, 12}}));
  });
}

TEST_F(Channel, WakesAReceiverOfTheSameLoopWithoutAPost) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    std::string order;
    s.spawn([&, values](context&) {
      static_cast<void>(values.receive());
      order += "receiver ";
    });
    s.sleep_for(1s);
    s.node().home->post([&] { order += "post"; });
    values.send(1);
    s.sleep_for(1s);
    EXPECT_EQ(order, "receiver post") << "the wake went the long way, behind what had been posted before";
  });
}

TEST_F(Channel, DeliversWhatWasSentBeforeItClosed) {
  manual_runtime rt;
  rt.run([](scope&) {
    const channel<int> values({.capacity = 3});
    for (int i = 1; i <= 3; ++i) values.send(i);
    EXPECT_TRUE(values.close());
    EXPECT_EQ(drain(values), (std::vector{1, 2, 3}));
    EXPECT_EQ(values.receive(), std::nullopt) << "and stays at its end";
  });
}

TEST_F(Channel, RefusesToSendOnceItIsClosed) {
  const channel<int> values({.name = "rows"});
  values.close();
  try {
    values.send(1);
    ADD_FAILURE();
  } catch (const channel_closed& e) {
    EXPECT_STREQ(e.what(), "channel \"rows\" is closed");
    EXPECT_FALSE(e.why());
    EXPECT_EQ(e.cause(), nullptr);
  }
  EXPECT_THROW(static_cast<void>(values.try_send(1)), channel_closed);
}

TEST_F(Channel, TellsAWaitingSenderWhyItWasClosed) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values({.name = "rows"});
    values.send(1);
    auto sender = s.spawn({.background = true}, [values] { values.send(2); });
    s.sleep_for(1s);
    values.close("shutdown");
    try {
      sender.get();
      ADD_FAILURE();
    } catch (const channel_closed& e) {
      EXPECT_STREQ(e.what(), "channel \"rows\" is closed: manual: shutdown");
      EXPECT_EQ(std::get<reason::manual>(e.why().value()).tag, "shutdown");
    }
    EXPECT_EQ(drain(values), std::vector{1}) << "what was refused must not come out, what was sent must";
  });
}

TEST_F(Channel, LetsAllWaitingReceiversGoWhenItCloses) {
  manual_runtime rt;
  int ended = 0;
  rt.run([&](scope& s) {
    const channel<int> values;
    for (int i = 0; i < 3; ++i)
      s.spawn([&, values](context&) {
        EXPECT_EQ(values.receive(), std::nullopt);
        ++ended;
      });
    s.sleep_for(1s);
    EXPECT_EQ(ended, 0);
    values.close();
  });
  EXPECT_EQ(ended, 3);
}

TEST_F(Channel, KeepsTheFirstOfManyCloses) {
  const channel<int> values;
  EXPECT_TRUE(values.close("first"));
  EXPECT_FALSE(values.close("second"));
  EXPECT_FALSE(values.close(std::make_exception_ptr(std::runtime_error("third"))));
  EXPECT_FALSE(values.close());
  try {
    values.send(1);
    ADD_FAILURE();
  } catch (const channel_closed& e) {
    EXPECT_EQ(std::get<reason::manual>(e.why().value()).tag, "first");
  }
  const channel<int> in_peace;
  in_peace.close();
  EXPECT_FALSE(in_peace.close("too late"));
  EXPECT_EQ(in_peace.error(), nullptr);
}

// Where an iteration over two values ended, and by what.
template <class Close>
std::pair<std::vector<int>, std::string> iterate(Close close) {
  const channel<int> values({.capacity = 2, .name = "rows"});
  values.send(1);
  values.send(2);
  close(values);
  std::pair<std::vector<int>, std::string> seen;
  try {
    for (const int value : values) seen.first.push_back(value);
    seen.second = "clean";
  } catch (const std::exception& e) {
    seen.second = e.what();
  }
  return seen;
}

TEST_F(Channel, ShowsAnErrorToAnIterationAfterTheValues) {
  const std::vector<int> both{1, 2};
  EXPECT_EQ(iterate([](auto& c) { c.close(std::make_exception_ptr(std::runtime_error("provider died"))); }),
            std::pair(both, std::string("provider died")));
  EXPECT_EQ(iterate([](auto& c) { c.close(reason::user{"enough"}); }),
            std::pair(both, std::string("channel \"rows\" is closed: user: enough")));
  EXPECT_EQ(iterate([](auto& c) { c.close(); }), std::pair(both, std::string("clean")));
}

TEST_F(Channel, ShowsAnErrorToAnIterationThatWaits) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    auto reader = s.spawn({.background = true}, [values] {
      for ([[maybe_unused]] const int value : values) ADD_FAILURE();
    });
    s.sleep_for(1s);
    values.close(std::make_exception_ptr(std::out_of_range("late")));
    EXPECT_THROW(reader.get(), std::out_of_range);
    EXPECT_THROW(values.send(1), channel_closed) << "a sender always learns that it is closed";
    EXPECT_NE(values.error(), nullptr);
    EXPECT_EQ(values.receive(), std::nullopt);
  });
}

TEST_F(Channel, LetsTheLoopMoveValuesOut) {
  const channel<std::unique_ptr<int>> values({.capacity = 2});
  values.send(std::make_unique<int>(1));
  values.send(std::make_unique<int>(2));
  values.close();
  std::vector<std::unique_ptr<int>> kept;
  for (auto& value : values) kept.push_back(std::move(value));
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(*kept[0] + *kept[1], 3);
}

TEST_F(Channel, LeavesAValueThatItHasNoRoomForAsItWas) {
  const channel<std::string> values;
  std::string first = "first", second = "second";
  EXPECT_TRUE(values.try_send(std::move(first)));
  EXPECT_FALSE(values.try_send(std::move(second)));
  EXPECT_EQ(second, "second");
  EXPECT_EQ(values.try_receive(), "first");
  EXPECT_TRUE(values.try_send(second));
  EXPECT_EQ(values.try_receive(), "second");
  EXPECT_EQ(values.try_receive(), std::nullopt);
}

TEST_F(Channel, IsSharedByTheCopiesOfItsHandleAndOutlivesTheRuntime) {
  channel<int> values({.capacity = 2});
  {
    manual_runtime rt;
    rt.run([values](scope&) { values.send(7); });
  }
  const auto copy = values;
  EXPECT_EQ(copy, values);
  EXPECT_NE(copy, channel<int>());
  EXPECT_EQ(copy.receive(), 7);
}

TEST_F(Channel, IsServedByHandlersOnTheLoopsOwnStack) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    s.node().home->post([values] { EXPECT_TRUE(values.try_send(5)); });
    EXPECT_EQ(values.receive(), 5);
  });
}

TEST_F(ChannelDeathTest, ThatASenderOnTheLoopsOwnStackWaitsForIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    const channel<int> values;
    s.node().home->post([values] { values.send(5); });
    s.sleep_for(1s);
  }),
               "sending suspends, and only a fiber can: .*on the loop's own stack");
}

TEST_F(ChannelDeathTest, WithACapacityThatCannotBeIsMisuse) {
  EXPECT_DEATH(channel<int>({.capacity = 0, .name = "rows"}),
               "channel \"rows\" was made with a capacity of 0; it may be 1 to 1,048,576");
  EXPECT_DEATH(channel<int>({.capacity = SIZE_MAX}),
               "capacity of 18446744073709551615 .as a signed number -1.; it may");
  EXPECT_DEATH(channel<int>({.capacity = static_cast<std::size_t>(-64)}), "as a signed number -64");
  EXPECT_DEATH(channel<int>({.capacity = (1 << 20) + 1}), "capacity of 1048577 .*it may be 1 to 1,048,576");
}

TEST_F(ChannelDeathTest, ClosedWithNoErrorAtAllIsMisuse) {
  EXPECT_DEATH(channel<int>().close(std::current_exception()), "closed with an error that is null");
}

}  // namespace
}  // namespace workit
