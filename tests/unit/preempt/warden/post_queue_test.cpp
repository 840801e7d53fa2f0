// post_queue: the order of posted work, and when its descriptor is readable.
#include "post_queue.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <support/descriptor_balance.hpp>
#include <vector>

namespace workit::test {
namespace {

class PostQueue : public descriptor_balance {
 protected:
  bool is_readable() {
    pollfd in{posts.descriptor(), POLLIN, 0};
    return poll(&in, 1, 0) == 1;
  }
  preempt::post_queue posts;
  std::vector<int> ran;
};

TEST_F(PostQueue, RunsInOrderAndIsReadableWhileWorkWaits) {
  EXPECT_FALSE(is_readable());
  for (int i = 0; i < 3; ++i) posts.post([this, i] { ran.push_back(i); });
  EXPECT_TRUE(is_readable());
  EXPECT_TRUE(ran.empty());
  posts.run();
  EXPECT_EQ(ran, (std::vector{0, 1, 2}));
  EXPECT_FALSE(is_readable());
  posts.run();
  EXPECT_EQ(ran.size(), 3u);
}

TEST_F(PostQueue, WhatWorkPostsWaitsForTheNextRun) {
  posts.post([this] {
    ran.push_back(1);
    posts.post([this] { ran.push_back(2); });
  });
  posts.run();
  EXPECT_EQ(ran, std::vector{1});
  EXPECT_TRUE(is_readable());
  posts.run();
  EXPECT_EQ(ran, (std::vector{1, 2}));
}

TEST_F(PostQueue, ReleasesWhatAWorkHasCapturedBeforeTheNextOneRuns) {
  auto captured = std::make_shared<int>(0);
  const std::weak_ptr<int> seen = captured;
  posts.post([captured = std::move(captured)] {});
  bool released = false;
  posts.post([&] { released = seen.expired(); });
  EXPECT_FALSE(seen.expired());
  posts.run();
  EXPECT_TRUE(released);
}

}  // namespace
}  // namespace workit::test
