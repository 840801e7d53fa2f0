// Channels between several threads and loops at once: seeded loops, run under ThreadSanitizer too.
#include "channel_ledger.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>
#include <workit/wait/channel.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::complaints;
using test::numbered;
using strings = std::vector<std::string>;

class ChannelRace : public test::runtime_test {};

TEST(ChannelLedger, ComplainsAboutEveryThingThatMustNotHappen) {
  const std::vector<numbered> sent{{0, 0}, {0, 1}, {1, 0}};
  EXPECT_EQ(complaints(sent, {{{0, 0}, {1, 0}}, {{0, 1}}}), strings{});
  EXPECT_EQ(complaints(sent, {{{0, 0}}, {{1, 0}}}), strings{"0#1 lost"});
  EXPECT_EQ(complaints(sent, {{{0, 0}, {0, 1}, {1, 0}}, {{0, 1}}}), strings{"0#1 out of nothing"});
  EXPECT_EQ(complaints(sent, {{{0, 1}, {0, 0}, {1, 0}}}), strings{"0#0 out of order"});
}

/// A type with a slow move that marks its source: a longer claim makes a race likelier.
// A value is in if,
struct slow_to_move {
  numbered value;
  std::unique_ptr<int> owned = std::make_unique<int>(value.number);
};

template <class T>
T made_of(numbered v) {
  return T{v};
}

// `per_kind` producers and consumers each as fibers of three loops and as threads; everything has to arrive.
template <class T, class Value>
strings transfer(std::uint64_t seed, int per_kind, int values_each, Value value_of) {
  std::mt19937_64 random(seed);
  const channel<T> values({.capacity = 1 + random() % 8});
  std::vector<std::vector<numbered>> got(static_cast<std::size_t>(2 * per_kind));
  std::vector<numbered> sent;
  std::atomic<int> producing{2 * per_kind};
  const auto produce = [&](int producer, std::uint64_t own_seed) {
    std::mt19937_64 dice(own_seed);
    for (int n = 0; n < values_each; ++n) {
      auto value = made_of<T>({producer, n});
      if (dice() % 4 == 0 && values.try_send(std::move(value))) continue;
      values.send(std::move(value));
    }
    if (--producing == 0) values.close();
  };
  const auto consume = [&](std::vector<numbered>& into, std::uint64_t own_seed) {
    std::mt19937_64 dice(own_seed);
    for (;;) {
      auto value = dice() % 4 == 0 ? values.try_receive() : std::nullopt;
      if (!value) value = values.receive();
      if (!value) return;
      into.push_back(value_of(*value));
    }
  };
  {
    runtime rt({.io_threads = 3});
    std::vector<task<void>> roots;
    std::vector<std::jthread> threads;
    for (int i = 0; i < per_kind; ++i) {
      const int fiber = 2 * i, thread = 2 * i + 1;
      roots.push_back(rt.spawn({}, [&, fiber, s = random()](scope&) { produce(fiber, s); }));
      roots.push_back(rt.spawn({}, [&, fiber, s = random()](scope&) { consume(got[fiber], s); }));
      threads.emplace_back([&, thread, s = random()] { produce(thread, s); });
      threads.emplace_back([&, thread, s = random()] { consume(got[thread], s); });
    }
    for (auto& r : roots) r.get();
  }
  for (int p = 0; p < 2 * per_kind; ++p)
    for (int n = 0; n < values_each; ++n) sent.push_back({p, n});
  return complaints(std::move(sent), got);
}

TEST_F(ChannelRace, LosesAndDoublesNothingAndKeepsEachProducersOrder) {
  const auto seed = test::seed();
  for (int round = 0; round < 12; ++round)
    ASSERT_EQ(transfer<numbered>(seed + round, 2, 400, [](const numbered& v) { return v; }), strings{})
        << "round " << round;
}

TEST_F(ChannelRace, MovesWhatOwnsMemory) {
  const auto seed = test::seed();
  const auto value_of = [](const slow_to_move& v) {
    return v.owned && *v.owned == v.value.number ? v.value : numbered{};
  };
  for (int round = 0; round < 6; ++round)
    ASSERT_EQ(transfer<slow_to_move>(seed + round, 2, 200, value_of), strings{}) << "round " << round;
}

TEST_F(ChannelRace, HandsValuesBetweenTwoRuntimes) {
  runtime one, other;
  const channel<int> there, back;
  auto echo = other.spawn({}, [&](scope&) {
    for (const int value : there) back.send(value + 1);
    back.close();
  });
  one.run([&](scope&) {
    for (int i = 0; i < 500; ++i) {
      there.send(i);
      ASSERT_EQ(back.receive(), i + 1);
    }
    there.close();
    EXPECT_EQ(back.receive(), std::nullopt);
  });
  echo.get();
}

// Senders and receivers on three loops are cancelled at any moment, that of a hand-over among them. A value is in if,
// A value is in the channel if,
// and only if, its send() returned.
TEST_F(ChannelRace, NeitherLosesNorDoublesAValueWhoseSenderOrReceiverIsCancelledMeanwhile) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  runtime rt({.io_threads = 3});
  constexpr int each = 4, most_values = 30;
  int cancelled = 0;
  for (int round = 0; round < 200; ++round) {
    const channel<numbered> values({.capacity = 1 + random() % 2});
    std::vector<std::vector<numbered>> sent(each), got(each + 1);
    std::vector<task<void>> senders, receivers;
    for (int i = 0; i < each; ++i) {
      senders.push_back(rt.spawn({}, [&, i](scope&) {
        for (int n = 0; n < most_values; ++n) {
          values.send({i, n});
          sent[i].push_back({i, n});
        }
      }));
      receivers.push_back(rt.spawn({}, [&, i](scope&) {
        while (const auto value = values.receive()) got[i].push_back(*value);
      }));
    }
    for (int i = 0; i < each; ++i) {
      for (auto spin = random() % 2000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (random() % 2 == 0) senders[i].cancel("race");
      if (random() % 2 == 0) receivers[i].cancel("race");
    }
    const auto running = [](const task<void>& t) { return t.status() < task_status::succeeded; };
    while (std::any_of(senders.begin(), senders.end(), running))
      if (const auto value = values.try_receive()) got[each].push_back(*value);
    values.close();
    for (auto& t : senders) cancelled += t.result().is_cancelled();
    for (auto& t : receivers) cancelled += t.result().is_cancelled();
    while (const auto value = values.try_receive()) got[each].push_back(*value);
    std::vector<numbered> all;
    for (const auto& s : sent) all.insert(all.end(), s.begin(), s.end());
    ASSERT_EQ(complaints(std::move(all), got), strings{}) << "round " << round;
  }
  EXPECT_GT(cancelled, 100) << "the race was not run: hardly any task was cancelled while at work";
}

TEST_F(ChannelRace, ClosedAtAnyMomentRefusesOrDeliversEachValue) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  runtime rt({.io_threads = 2});
  for (int round = 0; round < 200; ++round) {
    const channel<numbered> values({.capacity = 1 + random() % 3});
    std::vector<std::vector<numbered>> sent(3), got(2);
    const auto produce = [&](int i) {
      try {
        for (int n = 0;; ++n) {
          values.send({i, n});
          sent[i].push_back({i, n});
        }
      } catch (const channel_closed&) {
      }
    };
    auto one = rt.spawn({}, [&](scope&) { produce(0); });
    auto two = rt.spawn({}, [&](scope&) { produce(1); });
    std::jthread three([&] { produce(2); });
    auto reader = rt.spawn({}, [&](scope&) {
      while (const auto value = values.receive()) got[0].push_back(*value);
    });
    for (auto spin = random() % 5000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
    values.close("enough");
    one.get();
    two.get();
    three.join();
    reader.get();
    std::vector<numbered> all;
    for (const auto& s : sent) all.insert(all.end(), s.begin(), s.end());
    ASSERT_EQ(complaints(std::move(all), got), strings{}) << "round " << round;
  }
}

}  // namespace
}  // namespace workit
