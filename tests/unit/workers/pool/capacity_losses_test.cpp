// capacity_losses: which loss a new worker makes good.
#include "capacity_losses.hpp"

#include <gtest/gtest.h>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::capacity_losses;

constexpr time_point first_loss = time_point(1h);

TEST(CapacityLosses, AreRestoredFirstLostFirst) {
  capacity_losses losses;
  losses.lost(first_loss);
  losses.lost(first_loss + 1ms);
  EXPECT_EQ(losses.restored(first_loss + 5ms), duration(5ms));
  EXPECT_EQ(losses.restored(first_loss + 5ms), duration(4ms));
}

TEST(CapacityLosses, AWorkerThatReplacesNoneIsNotCounted) {
  capacity_losses losses;
  EXPECT_EQ(losses.restored(first_loss), std::nullopt);
  losses.lost(first_loss);
  losses.clear();
  EXPECT_EQ(losses.restored(first_loss), std::nullopt);
}

TEST(CapacityLosses, KeepTheNewestWhenFewerWorkersWillCome) {
  capacity_losses losses;
  for (int n = 0; n < 5; ++n) losses.lost(first_loss + n * 1ms);
  losses.keep_newest(2);
  EXPECT_EQ(losses.restored(first_loss + 10ms), duration(7ms));
  EXPECT_EQ(losses.restored(first_loss + 10ms), duration(6ms));
  EXPECT_EQ(losses.restored(first_loss + 10ms), std::nullopt);
}

}  // namespace
}  // namespace workit::test
