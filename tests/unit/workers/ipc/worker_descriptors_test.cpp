// Where a worker finds its descriptors.
#include <gtest/gtest.h>

#include <set>
#include <worker_descriptors.hpp>

namespace workit::workers {
namespace {

TEST(WorkerDescriptors, FollowEachOtherWithoutGaps) {
  for (const bool sandboxed : {false, true})
    for (const bool captured : {false, true}) {
      const worker_descriptors place{.loops = 2, .sandboxed = sandboxed, .captured = captured};
      std::set<int> used{worker_descriptors::control_block, place.loop_event(0), place.loop_event(1),
                         place.task_channel()};
      if (sandboxed) used.insert(place.zygote_channel());
      if (captured) used.insert(place.output_pipe());
      EXPECT_EQ(used.size(), 4U + sandboxed + captured) << "no two share a number";
      EXPECT_EQ(*used.begin(), 3);
      EXPECT_EQ(*used.rbegin() + 1, place.end());
      EXPECT_EQ(static_cast<std::size_t>(place.end() - 3), used.size());
    }
}

TEST(WorkerDescriptors, AreMinusOneWhereThereAreNone) {
  const worker_descriptors plain{.loops = 1};
  EXPECT_EQ(plain.zygote_channel(), -1);
  EXPECT_EQ(plain.output_pipe(), -1);
  EXPECT_EQ(plain.ready_event(), plain.loop_event(0));
}

}  // namespace
}  // namespace workit::workers
