// cancel_cell: one winner, inheritance, listeners, and races between threads.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <random>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/base/cancel_cell.hpp>

#include "noon.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;

using test::noon;
constexpr auto on = cancel_cell::shield::on;

cancel_cell::ptr root() { return cancel_cell::make(nullptr, nullptr); }
cancel_cell::ptr child_of(const cancel_cell::ptr& parent) { return cancel_cell::make(parent, nullptr); }
std::string tag_of(const cancel_cell& cell) { return std::get<reason::manual>(cell.record()->why).tag; }

// By one call a cell, a chain would overflow the stack of the fiber that drops the last handle on it.
TEST(CancelCell, EndsAChainOfAnyLengthWithoutRecursion) {
  auto leaf = root();
  for (int i = 0; i < 500'000; ++i) leaf = child_of(leaf);
  std::weak_ptr<cancel_cell> gone = leaf->parent();
  leaf.reset();
  EXPECT_TRUE(gone.expired());
}

struct counting_listener final : cancel_listener {
  std::atomic<int> heard{0};
  void cancelled(const cancel_cell::ptr&, tell_alarm) noexcept override { ++heard; }
};

TEST(CancelCell, IsQuietUntilItIsCancelled) {
  const auto cell = root();
  EXPECT_FALSE(cell->stopping());
  EXPECT_FALSE(cell->decided());
  EXPECT_EQ(cell->record(), nullptr);
  EXPECT_TRUE(cell->own_deadline().is_never());
}

TEST(CancelCell, KeepsItsFirstReason) {
  const auto cell = root();
  EXPECT_TRUE(cell->request(reason::manual{.tag = "first"}));
  EXPECT_FALSE(cell->request(reason::manual{.tag = "second"}));
  EXPECT_EQ(tag_of(*cell), "first");
}

TEST(CancelCell, RemembersWhenItWasCancelled) {
  const auto before = std::chrono::steady_clock::now();
  const auto cell = root();
  cell->request(reason::user{});
  EXPECT_GE(cell->record()->at, before);
  EXPECT_LE(cell->record()->at, std::chrono::steady_clock::now());
}

TEST(CancelCell, SaysWhyAndWhenAWorkerStoppedThatMetTheDeadlineFirst) {
  const auto cell = root();
  const deadline_point until(noon);
  const auto early = cell->record_or(until, noon + 3ms);
  EXPECT_EQ(early.at, noon);
  ASSERT_TRUE(std::holds_alternative<reason::deadline>(early.why));
  EXPECT_EQ(std::get<reason::deadline>(early.why).at, until);
  EXPECT_EQ(std::get<reason::deadline>(early.why).lateness, 3ms);
  cell->request(reason::manual{.tag = "ours"});
  EXPECT_EQ(describe(cell->record_or(until, noon + 3ms).why), "manual: ours");
  EXPECT_EQ(cell->record_or(deadline_point(), noon).at, cell->record()->at);
}

TEST(CancelCell, StopsItsDescendantsAndNotItsParentNorItsSiblings) {
  const auto top = root();
  const auto left = child_of(top), right = child_of(top), leaf = child_of(left);
  left->request(reason::manual{.tag = "left"});
  EXPECT_TRUE(left->stopping());
  EXPECT_TRUE(leaf->stopping());
  EXPECT_EQ(tag_of(*leaf), "left");
  EXPECT_EQ(leaf->own_record(), nullptr) << "the reason is its parent's";
  EXPECT_FALSE(top->stopping());
  EXPECT_FALSE(right->stopping());
}

TEST(CancelCell, IsBornStoppingBelowACancelledParent) {
  const auto top = root();
  top->request(reason::user{});
  EXPECT_TRUE(child_of(child_of(top))->stopping());
}

TEST(CancelCell, RefusesAReasonOfItsOwnBelowACancelledParent) {
  const auto top = root();
  const auto leaf = child_of(top);
  top->request(reason::manual{.tag = "top"});
  EXPECT_FALSE(leaf->request(reason::manual{.tag = "leaf"}));
  EXPECT_EQ(tag_of(*leaf), "top");
}

TEST(CancelCell, KeepsItsOwnReasonWhenItsParentIsCancelledLater) {
  const auto top = root();
  const auto leaf = child_of(top);
  leaf->request(reason::manual{.tag = "leaf"});
  EXPECT_TRUE(top->request(reason::manual{.tag = "top"}));
  EXPECT_EQ(tag_of(*leaf), "leaf");
}

TEST(CancelCell, DoesNotLookThroughAShield) {
  const auto top = root();
  const auto shielded = cancel_cell::make(top, nullptr, on);
  const auto below = child_of(shielded);
  top->request(reason::user{});
  EXPECT_FALSE(shielded->stopping());
  EXPECT_FALSE(below->stopping());
  EXPECT_FALSE(below->is_below(*top));
  EXPECT_TRUE(below->is_below(*shielded));
  EXPECT_TRUE(shielded->request(reason::manual{.tag = "its own"})) << "a shield can be cancelled itself";
  EXPECT_EQ(tag_of(*below), "its own");
}

TEST(CancelCell, DecidesNothingMoreOnceClosed) {
  const auto cell = root();
  cell->close();
  cell->close();
  EXPECT_TRUE(cell->decided());
  EXPECT_FALSE(cell->request(reason::user{}));
  EXPECT_FALSE(cell->stopping());
  EXPECT_EQ(cell->own_record(), nullptr);
}

TEST(CancelCell, KeepsItsRecordWhenClosedAfterwards) {
  const auto cell = root();
  cell->request(reason::manual{.tag = "why"});
  cell->close();
  EXPECT_EQ(tag_of(*cell), "why");
}

TEST(CancelCell, TellsItsListenerOnceAndNotAboutOthers) {
  const auto heard = std::make_shared<counting_listener>();
  const auto top = root();
  const auto cell = cancel_cell::make(top, heard);
  top->request(reason::user{});
  EXPECT_EQ(heard->heard, 0);
  const auto other = cancel_cell::make(nullptr, heard);
  other->request(reason::user{});
  other->request(reason::user{});
  EXPECT_EQ(heard->heard, 1);
}

TEST(CancelCell, TightensItsDeadlineAndNeverLoosensIt) {
  const auto cell = root();
  cell->tighten(deadline_point(noon));
  cell->tighten(deadline_point(noon + 1s));
  EXPECT_EQ(cell->own_deadline(), deadline_point(noon));
  cell->tighten(deadline_point(noon - 1s));
  EXPECT_EQ(cell->own_deadline(), deadline_point(noon - 1s));
  cell->tighten(deadline_point{});
  EXPECT_EQ(cell->own_deadline(), deadline_point(noon - 1s));
}

TEST(CancelCell, IsRuledByTheEarliestDeadlineUpToTheNextShield) {
  const auto top = root();
  const auto middle = child_of(top), leaf = child_of(middle);
  top->tighten(deadline_point(noon));
  leaf->tighten(deadline_point(noon + 1h));
  EXPECT_EQ(leaf->effective_deadline(), deadline_point(noon));
  const auto shielded = cancel_cell::make(leaf, nullptr, on);
  EXPECT_TRUE(shielded->effective_deadline().is_never());
}

TEST(CancelCell, ExpiresTheOutermostScopeWhoseDeadlineHasPassed) {
  const auto top = root();
  const auto middle = child_of(top), leaf = child_of(middle);
  top->tighten(deadline_point(noon + 1h));
  middle->tighten(deadline_point(noon));
  leaf->tighten(deadline_point(noon - 1h));
  EXPECT_FALSE(leaf->expire(noon - 1h - 1ns));
  EXPECT_TRUE(leaf->expire(noon + 5ms));
  ASSERT_NE(middle->own_record(), nullptr);
  EXPECT_EQ(leaf->own_record(), nullptr) << "it ends with the scope above it";
  EXPECT_EQ(top->record(), nullptr);
  const auto& why = std::get<reason::deadline>(middle->record()->why);
  EXPECT_EQ(why.at, deadline_point(noon));
  EXPECT_EQ(why.lateness, 5ms);
}

TEST(CancelCell, ExpiresWithATimeoutWhereItsDeadlineEndsATimeLimit) {
  const auto limited = root(), dated = root();
  limited->name_limit(5s);
  for (const auto& cell : {limited, dated}) {
    cell->tighten(deadline_point(noon));
    EXPECT_TRUE(cell->expire(noon + 1s));
  }
  EXPECT_EQ(std::get<reason::timeout>(limited->record()->why).limit, 5s);
  EXPECT_EQ(std::get<reason::deadline>(dated->record()->why).lateness, 1s);
}

TEST(CancelCell, MovesTheEpochWithEveryCancellationAndEveryTightening) {
  const auto cell = root();
  const auto first = cancel_cell::epoch();
  cell->tighten(deadline_point(noon));
  const auto second = cancel_cell::epoch();
  EXPECT_NE(second, first);
  cell->tighten(deadline_point(noon + 1s));
  EXPECT_EQ(cancel_cell::epoch(), second) << "nothing was tightened";
  cell->request(reason::user{});
  EXPECT_NE(cancel_cell::epoch(), second);
}

// Eight threads race for every cell of a small tree. What must hold: exactly one winner a cell at most, and the record
// is the winner's.
TEST(CancelCell, HasExactlyOneWinnerOfRacingRequests) {
  const auto seed = test::seed();
  constexpr int threads = 8;
  for (int round = 0; round < 300; ++round) {
    const auto cell = root();
    std::atomic<int> winners{0};
    std::atomic<int> winner{-1};
    std::barrier start(threads);
    std::vector<std::jthread> racing;
    for (int t = 0; t < threads; ++t)
      racing.emplace_back([&, t] {
        std::minstd_rand random(static_cast<unsigned>(seed + static_cast<std::uint64_t>(round * threads + t)));
        start.arrive_and_wait();
        for (auto spin = random() % 64; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
        if (cell->request(reason::race_lost{static_cast<work_id>(t)})) {
          ++winners;
          winner = t;
        }
      });
    racing.clear();
    ASSERT_EQ(winners, 1) << "round " << round;
    ASSERT_EQ(std::get<reason::race_lost>(cell->record()->why).winner, static_cast<work_id>(winner));
  }
}

// The central promise: stopping() is cached behind the epoch, and no thread may read "not stopping"
// from that cache once a request has returned to it, winner or loser. Another thread keeps the caches warm meanwhile.
TEST(CancelCell, NeverHidesACancellationBehindItsCacheOnceARequestHasReturned) {
  constexpr int rounds = 4'000;
  std::vector<cancel_cell::ptr> tops, leaves;
  for (int i = 0; i < rounds; ++i) {
    tops.push_back(root());
    leaves.push_back(child_of(child_of(tops.back())));
  }
  std::atomic<int> hidden{0};
  std::atomic<int> turn{0};  // the round that may begin
  std::atomic<int> arrived{0};
  const auto race = [&](bool requests) {
    for (int i = 0; i < rounds; ++i) {
      const auto n = static_cast<std::size_t>(i);
      std::ignore = leaves[n]->stopping();
      if (arrived.fetch_add(1) == 3 * i + 2) turn.store(i + 1);
      while (turn.load() <= i) std::this_thread::yield();
      if (requests) {
        tops[n]->request(reason::user{});
        if (!leaves[n]->stopping()) ++hidden;
      } else {
        for (int k = 0; k < 8; ++k) std::ignore = leaves[n]->stopping();
      }
    }
  };
  std::jthread a(race, true), b(race, true), c(race, false);
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(hidden, 0);
}

TEST(CancelCell, TellsNoRequestAfterTheStopThatItsDeadlineCaused) {
  const auto cell = root();
  const auto met = std::chrono::steady_clock::now();  // by the worker's own timer
  cell->request(reason::deadline{});
  ASSERT_GT(cell->record()->at, met);
  EXPECT_EQ(cell->record_or(deadline_point(met - 1us), met).at, met - 1us);
  EXPECT_EQ(cell->record_or(deadline_point(), met).at, cell->record()->at) << "the control: no deadline was met";
  EXPECT_EQ(cell->record_or(deadline_point(met - 1us), cell->record()->at).at, cell->record()->at) << "in order";
}

TEST(CancelCell, GivesAReaderOnAnotherThreadTheWholeRecord) {
  for (int round = 0; round < 2'000; ++round) {
    const auto top = root();
    const auto leaf = child_of(top);
    std::jthread cancels([&] { top->request(reason::manual{.tag = "a tag too long for the small string buffer"}); });
    while (!leaf->stopping()) std::this_thread::yield();
    ASSERT_EQ(tag_of(*leaf), "a tag too long for the small string buffer");
  }
}

}  // namespace
}  // namespace workit
