// The main of the test programs.
#include <gtest/gtest.h>

#include <support/watchdog.hpp>

int main(int argc, char** argv) {
  // A death test forks beside I/O threads: only a process that is exec'ed anew is sure to hold none of their locks.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ::testing::InitGoogleTest(&argc, argv);
  workit::test::watchdog::over_all_tests();
  return RUN_ALL_TESTS();
}
