// A test fixture that finds descriptors left open.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace workit::test {

/// How many descriptors this process has open.
inline long open_descriptors() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/fd"), directory_iterator());
}

/// Each test ends with as many open descriptors as it began with.
class descriptor_balance : public testing::Test {
 protected:
  void SetUp() override { at_start_ = open_descriptors(); }
  void TearDown() override { EXPECT_EQ(open_descriptors(), at_start_) << "descriptors are left open"; }

 private:
  long at_start_ = 0;
};

}  // namespace workit::test
