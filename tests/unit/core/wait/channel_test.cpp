// channel: order, capacity and waiting.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ranges>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/wait/channel.hpp>

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

TEST_F(Channel, RefusesACapacityThatCannotBe) {
  EXPECT_REFUSED(channel<int>({.capacity = 0, .name = "rows"}),
                 "channel \"rows\" was made with a capacity of 0; it may be 1 to 1,048,576");
  EXPECT_REFUSED(channel<int>({.capacity = SIZE_MAX}),
                 "capacity of 18446744073709551615 .as a signed number -1.; it may");
  EXPECT_REFUSED(channel<int>({.capacity = static_cast<std::size_t>(-64)}), "as a signed number -64");
  EXPECT_REFUSED(channel<int>({.capacity = (1 << 20) + 1}), "capacity of 1048577 .*it may be 1 to 1,048,576");
}

}  // namespace
}  // namespace workit
