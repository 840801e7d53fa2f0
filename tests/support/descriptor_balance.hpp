// A test fixture that finds descriptors left open.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

namespace workit::test {

/// How many descriptors this process has open.
inline long open_descriptors() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/fd"), directory_iterator());
}

/// Those that stay: other threads open one for a moment, to read a file of /proc. A leak is in every reading.
inline long lasting_descriptors() {
  auto least = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    least = std::min(least, open_descriptors());
  }
  return least;
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
