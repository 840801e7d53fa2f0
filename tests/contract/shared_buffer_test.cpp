// Shared buffers through the process boundary: both ways, many, large, and with those that die with them.
#include <algorithm>
#include <numeric>
#include <random>
#include <support/seed.hpp>
#include <workit/workers/shared_buffer.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

class SharedBuffers : public worker_test {};

std::int64_t sum_of(shared_buffer numbers) {
  const auto all = numbers.read<int>();
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}

shared_buffer doubled(shared_buffer numbers) {
  shared_buffer result(numbers.size());
  std::ranges::transform(numbers.read<int>(), result.write<int>().begin(), [](int n) { return 2 * n; });
  return result;
}

shared_buffer filled(std::size_t count) {
  shared_buffer numbers(count * sizeof(int));
  std::ranges::fill(numbers.write<int>(), 3);
  return numbers;
}

TEST_F(SharedBuffers, GoAndComeBack) {
  rt_->run([](scope& s) {
    const auto numbers = filled(1'000'000);
    EXPECT_EQ(offload({}, sum_of, numbers)(s), 3'000'000);
    const auto twice = offload({}, doubled, numbers)(s);
    EXPECT_EQ(twice.size(), numbers.size());
    EXPECT_EQ(sum_of(twice), 6'000'000);
    EXPECT_EQ(offload({}, sum_of, twice)(s), 6'000'000) << "what came back can be sent on";
  });
}

TEST_F(SharedBuffers, ComeInsideOtherValues) {
  rt_->run([](scope& s) {
    const auto parts = offload(
        {},
        [](std::vector<shared_buffer> all) {
          std::vector<std::pair<int, shared_buffer>> named;
          for (auto& each : all) named.emplace_back(static_cast<int>(named.size()), doubled(each));
          named.emplace_back(-1, shared_buffer());
          return named;
        },
        std::vector{filled(1), filled(2), filled(3)})(s);
    ASSERT_EQ(parts.size(), 4u);
    EXPECT_EQ(sum_of(parts[2].second), 18);
    EXPECT_EQ(parts[3].second.size(), 0u);
  });
}

// The worker reads what stays mapped here, and sees that it cannot write it.
TEST_F(SharedBuffers, AreReadOnlyInTheWorker) {
  rt_->run([](scope& s) {
    EXPECT_THROW(offload(
                     {}, [](shared_buffer numbers) { const_cast<int&>(numbers.read<int>()[0]) = 1; }, filled(1))(s),
                 worker_crashed);
    EXPECT_EQ(offload({}, sum_of, filled(1))(s), 3);
  });
}

// The fixture counts descriptors and mappings afterwards.
TEST_F(SharedBuffers, OfTasksThatAreStoppedAreNotLeft) {
  std::mt19937_64 random(seed());
  rt_->run([&](scope& s) {
    for (int i = 0; i < 60; ++i) {
      auto task = s.spawn(offload({}, doubled, filled(100'000)));
      s.sleep_for(std::chrono::microseconds(random() % 400));
      task.cancel("enough");
      task.wait();
    }
    EXPECT_EQ(sum_of(offload({}, doubled, filled(10))(s)), 60) << "of this task, and of none before";
  });
}

}  // namespace
}  // namespace workit::test
