// Large blocks: kept while there is a pool, the smallest that fits is used again, and given back when they are old.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <workit/workers/bytes.hpp>

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = 1 << 20;

/// A block that was given back, by its address.
std::byte* give_back_one(std::size_t size) {
  const auto block = take_large_block(size);
  give_back_large_block(block);
  return block.data;
}

class LargeBlocks : public testing::Test {
 protected:
  ~LargeBlocks() override {
    while (give_back_large_blocks(time_point::max()) != kept_blocks::none) continue;
  }
  std::optional<keeps_large_blocks> kept_{std::in_place};
};

TEST_F(LargeBlocks, AreUsedAgainTheSmallestThatFitsFirst) {
  const auto small = take_large_block(mib), large = take_large_block(3 * mib);
  give_back_large_block(large);
  give_back_large_block(small);
  const auto again = take_large_block(mib);
  EXPECT_EQ(again.data, small.data);
  const auto other = take_large_block(2 * mib);
  EXPECT_EQ(other.data, large.data);
  give_back_large_block(again);
  give_back_large_block(other);
}

TEST_F(LargeBlocks, AreNotWastedOnWhatIsMuchSmaller) {
  auto* const large = give_back_one(64 * mib);
  const auto little = take_large_block(mib);
  EXPECT_NE(little.data, large);
  give_back_large_block(little);
}

TEST_F(LargeBlocks, AreGivenBackWhenTheyAreOldAndNotBefore) {
  const auto before = std::chrono::steady_clock::now();
  give_back_one(2 * mib + 4096);
  EXPECT_EQ(give_back_large_blocks(before - 1s), kept_blocks::young);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(give_back_large_blocks(now), kept_blocks::old) << "not all at once: the warden does it";
  EXPECT_EQ(give_back_large_blocks(now), kept_blocks::old);
  EXPECT_EQ(give_back_large_blocks(now), kept_blocks::none);
}

TEST_F(LargeBlocks, ThatWereGivenBackInPartServeWhatFitsTheRest) {
  auto* const block = give_back_one(3 * mib);
  ASSERT_EQ(give_back_large_blocks(time_point::max()), kept_blocks::old);
  const auto again = take_large_block(2 * mib);
  EXPECT_EQ(again.data, block);
  EXPECT_EQ(again.size, 2 * mib);
  std::memset(again.data, 1, again.size);
  give_back_large_block(again);
}

TEST_F(LargeBlocks, AreNotKeptWithoutAPoolNorBeyondTheirLimit) {
  kept_.reset();
  give_back_one(mib);
  EXPECT_EQ(give_back_large_blocks(time_point::min()), kept_blocks::none);
  kept_.emplace();
  give_back_one(large_blocks_kept + mib);
  EXPECT_EQ(give_back_large_blocks(time_point::min()), kept_blocks::none);
  give_back_one(mib);
  EXPECT_EQ(give_back_large_blocks(time_point::min()), kept_blocks::young) << "the control";
}

TEST_F(LargeBlocks, ThatCannotBeHadAreBadAlloc) {
  EXPECT_THROW(static_cast<void>(take_large_block(std::numeric_limits<std::size_t>::max())), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(take_large_block(std::size_t{1} << 60)), std::bad_alloc);
}

TEST_F(LargeBlocks, HoldTheBytesOfAFrameThatGrowsPastMallocs) {
  bytes all;
  for (std::size_t i = 0; i < 4 * mib / 8; ++i) all.append(&i, 8);
  ASSERT_EQ(all.size(), 4 * mib);
  for (std::size_t i = 0; i < 4 * mib / 8; i += 1000) {
    std::size_t is = 0;
    std::memcpy(&is, all.data() + 8 * i, 8);
    ASSERT_EQ(is, i);
  }
  const bytes copy(all);
  const bytes moved(std::move(all));
  EXPECT_EQ(std::memcmp(copy.data(), moved.data(), 4 * mib), 0);
}

}  // namespace
}  // namespace workit::workers
