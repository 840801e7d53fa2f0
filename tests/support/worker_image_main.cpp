// The main of test programs that are their own worker image.
#include <gtest/gtest.h>

#include <support/watchdog.hpp>
#include <workit/workers/init.hpp>

int main(int argc, char** argv) {
  workit::init(argc, argv);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  testing::InitGoogleTest(&argc, argv);
  workit::test::watchdog::over_all_tests();
  return RUN_ALL_TESTS();
}
