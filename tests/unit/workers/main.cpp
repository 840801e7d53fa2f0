// The tests of this layer are their own worker image.
#include <gtest/gtest.h>

#include <workit/workers/init.hpp>

int main(int argc, char** argv) {
  workit::init(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
