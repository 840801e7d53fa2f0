// block_pool: memory of tasks that is used again.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/block_pool.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using detail::block_pool;
using test::manual_runtime;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool uses_again = false;  // so that they see the use of a freed task
#else
constexpr bool uses_again = true;
#endif

class BlockPool : public test::runtime_test {};

TEST_F(BlockPool, GivesTheLastBlockOfASizeFirst) {
  block_pool pool;
  void* const first = pool.take(200);
  void* const second = pool.take(200);
  void* const other = pool.take(300);
  for (void* block : {first, second}) std::memset(block, 0x5a, 200);
  pool.give_back(first, 200);
  pool.give_back(second, 200);
  pool.give_back(other, 300);
  if (!uses_again) {
    EXPECT_EQ(pool.kept_bytes(), 0u);
    return;
  }
  EXPECT_GE(pool.kept_bytes(), 700u);
  EXPECT_EQ(pool.take(200), second);
  EXPECT_EQ(pool.take(200), first);
  EXPECT_EQ(pool.take(300), other);
  EXPECT_EQ(pool.kept_bytes(), 0u);
  for (void* block : {first, second}) pool.give_back(block, 200);
  pool.give_back(other, 300);
}

TEST_F(BlockPool, GivesBlocksOfEverySizeThatDoNotOverlap) {
  block_pool pool;
  for (int round = 0; round < 2; ++round) {  // from the heap, then from the pool
    std::vector<unsigned char*> blocks;
    for (std::size_t bytes = 1; bytes <= block_pool::largest_block + 40; ++bytes) {
      auto* block = static_cast<unsigned char*>(pool.take(bytes));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0u);
      std::memset(block, static_cast<int>(bytes % 251), bytes);
      blocks.push_back(block);
    }
    for (std::size_t bytes = 1; bytes <= blocks.size(); ++bytes) {
      auto* const block = blocks[bytes - 1];
      for (std::size_t at = 0; at < bytes; ++at) ASSERT_EQ(block[at], bytes % 251) << bytes << " bytes, at " << at;
      pool.give_back(block, bytes);
    }
  }
}

TEST_F(BlockPool, KeepsNoMoreThanAMebibyteAndNothingThatIsLarge) {
  block_pool pool;
  std::vector<void*> blocks(2 * block_pool::most_bytes / 256);
  for (auto*& block : blocks) block = pool.take(256);
  for (auto* block : blocks) pool.give_back(block, 256);
  EXPECT_LE(pool.kept_bytes(), block_pool::most_bytes);
  const std::size_t least = uses_again ? block_pool::most_bytes - 1000 : 0;
  EXPECT_GE(pool.kept_bytes(), least);
  block_pool other;
  other.give_back(other.take(block_pool::largest_block + 1), block_pool::largest_block + 1);
  EXPECT_EQ(other.kept_bytes(), 0u);
}

TEST_F(BlockPool, HasTheBlocksOfTasksThatEndedOnItsLoop) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto& blocks = s.node().home->blocks();
    const auto before = blocks.kept_bytes();
    {
      std::vector<task<void>> tasks;
      tasks.reserve(100);
      for (int i = 0; i < 100; ++i) tasks.push_back(s.spawn([] {}));
      for (auto& t : tasks) t.get();
    }
    s.yield();
    const auto after = blocks.kept_bytes();
    if (!uses_again) {
      EXPECT_EQ(after, 0u);
      return;
    }
    EXPECT_GT(after, before + 100 * sizeof(detail::task_state_base));
    {
      std::vector<task<void>> tasks;
      tasks.reserve(100);
      for (int i = 0; i < 100; ++i) tasks.push_back(s.spawn([] {}));
      EXPECT_LT(blocks.kept_bytes(), after - 100 * sizeof(detail::task_state_base));
    }
  });
}

TEST_F(BlockPool, IsNotTouchedByAThreadThatDropsATask) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto& blocks = s.node().home->blocks();
    auto ended = std::make_unique<task<int>>(s.spawn([] { return 7; }));
    auto dropped_here = std::make_unique<task<int>>(s.spawn([] { return 7; }));
    ended->wait();
    dropped_here->wait();
    s.yield();
    const auto before = blocks.kept_bytes();
    std::thread([dropped = std::move(ended)]() mutable { dropped.reset(); }).join();
    EXPECT_EQ(blocks.kept_bytes(), before);
    dropped_here.reset();  // the control arm
    if (uses_again) {
      EXPECT_GT(blocks.kept_bytes(), before);
    }
  });
}

TEST_F(BlockPool, LeavesTasksAloneWhoseBodiesAreAlignedBeyondTheHeap) {
  struct alignas(64) wide {
    std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(this); }
  };
  manual_runtime rt;
  rt.run([&](scope& s) {
    std::vector<task<std::uintptr_t>> tasks;
    tasks.reserve(9);
    for (int i = 0; i < 9; ++i) tasks.push_back(s.spawn([w = wide{}] { return w.address(); }));
    for (auto& t : tasks) EXPECT_EQ(t.get() % 64, 0u);
  });
}

}  // namespace
}  // namespace workit
