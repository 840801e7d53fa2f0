// captured_output: what comes through the pipe, what is kept of it, and its end.
#include "captured_output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace workit::test {
namespace {

using workers::captured_output;
using workers::most_output;

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(to, text.data(), text.size());
    ASSERT_GT(n, 0);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

worker_usage taken(captured_output& output) {
  worker_usage usage;
  output.take(usage);
  return usage;
}

TEST(CapturedOutput, HandsOverWhatCameSinceTheLastTime) {
  captured_output output;
  write_all(output.far_end(), "first\n");
  EXPECT_EQ(taken(output).output, "first\n");
  write_all(output.far_end(), "second\n");
  write_all(output.far_end(), "third\n");
  EXPECT_EQ(taken(output).output, "second\nthird\n");
  EXPECT_EQ(taken(output).output, "");
}

TEST(CapturedOutput, KeepsTheLastAndCountsTheRest) {
  captured_output output;
  std::string all;
  for (int n = 0; n < 10; ++n) {
    const std::string part(most_output / 2, static_cast<char>('a' + n));
    all += part;
    write_all(output.far_end(), part);
    EXPECT_TRUE(output.drain());
  }
  const auto usage = taken(output);
  EXPECT_EQ(usage.output, all.substr(all.size() - most_output));
  EXPECT_EQ(usage.output_dropped, all.size() - most_output);
  EXPECT_EQ(taken(output).output_dropped, 0U) << "of the next task nothing was dropped";
}

TEST(CapturedOutput, SaysWhenNoProcessCanWriteAnyMore) {
  captured_output output;
  write_all(output.far_end(), "last words");
  EXPECT_TRUE(output.drain());
  output.close_far_end();
  EXPECT_FALSE(output.drain());
  EXPECT_EQ(taken(output).output, "last words");
}

TEST(CapturedOutput, LeavesTheWritersEndBlocking) {
  const captured_output output;
  EXPECT_EQ(::fcntl(output.far_end(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(output.descriptor(), F_GETFL) & O_NONBLOCK, 0);
}

}  // namespace
}  // namespace workit::test
