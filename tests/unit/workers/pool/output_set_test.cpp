// output_set: which workers have written, and when an output leaves the set.
#include "output_set.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "captured_output.hpp"

namespace workit::test {
namespace {

using workers::captured_output;
using workers::output_set;
using numbers = std::vector<std::uint32_t>;

class OutputSet : public testing::Test {
 protected:
  OutputSet() {
    set_.add(7, first_);
    set_.add(8, second_);
  }
  static void write_line(const captured_output& to) { ASSERT_EQ(::write(to.far_end(), "line\n", 5), 5); }

  output_set set_ = output_set::make();
  captured_output first_;
  captured_output second_;
};

TEST_F(OutputSet, TellsTheWorkersThatHaveWritten) {
  EXPECT_EQ(set_.written(), numbers{});
  write_line(second_);
  EXPECT_EQ(set_.written(), numbers{8});
}

TEST_F(OutputSet, TellsThemUntilTheirOutputWasTakenIn) {
  write_line(first_);
  EXPECT_EQ(set_.written(), numbers{7});
  EXPECT_EQ(set_.written(), numbers{7});
  set_.drain(first_);
  EXPECT_EQ(set_.written(), numbers{});
  worker_usage usage;
  first_.take(usage);
  EXPECT_EQ(usage.output, "line\n");
}

TEST_F(OutputSet, LeavesOutOneThatNoProcessCanWriteToAnyMore) {
  first_.close_far_end();
  EXPECT_EQ(set_.written(), numbers{7});
  set_.drain(first_);
  EXPECT_EQ(set_.written(), numbers{});
}

TEST_F(OutputSet, ForgetsOneThatIsClosed) {
  {
    captured_output third;
    set_.add(9, third);
    write_line(third);
  }
  EXPECT_EQ(set_.written(), numbers{});
}

TEST(OutputSetOfNone, IsFalseUntilMade) {
  EXPECT_FALSE(output_set());
  EXPECT_TRUE(output_set::make());
}

}  // namespace
}  // namespace workit::test
