// log2_histogram: buckets, and what a percentile says.
#include <gtest/gtest.h>

#include <workit/workers/log2_histogram.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::log2_histogram;

TEST(Log2Histogram, IsEmptyAtFirst) {
  const log2_histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.percentile(50), 0ns);
  EXPECT_EQ(h.largest(), 0ns);
}

TEST(Log2Histogram, SumsAndKeepsTheLargest) {
  log2_histogram h;
  h.record(2us);
  h.record(5ms);
  h.record(-1s);
  EXPECT_EQ(h.count(), 3U);
  EXPECT_EQ(h.sum(), 5ms + 2us) << "below zero is zero";
  EXPECT_EQ(h.largest(), 5ms);
}

TEST(Log2Histogram, APercentileIsOffByAnEighthAtMost) {
  for (duration d = 1100ns; d < 1h; d = d * 9 / 8) {
    log2_histogram h;
    h.record(d);
    h.record(10h);  // so that the percentile is not cut to the largest
    const auto told = h.percentile(50);
    EXPECT_LE(told - d, d / 8) << d.count();
    EXPECT_LE(d - told, d / 8) << d.count();
  }
}

TEST(Log2Histogram, APercentileIsTheDurationThatSoManyDoNotExceed) {
  log2_histogram h;
  for (int n = 0; n < 99; ++n) h.record(10us);
  h.record(10ms);
  EXPECT_LT(h.percentile(99), 12us);
  EXPECT_GT(h.percentile(99.1), 8ms);
  EXPECT_GT(h.percentile(1000), 8ms);
  EXPECT_LT(h.percentile(-5), 12us);
}

TEST(Log2Histogram, APercentileIsNeverMoreThanTheLargest) {
  log2_histogram h;
  h.record(1025ns);
  EXPECT_EQ(h.percentile(100), 1025ns);
}

TEST(Log2Histogram, HasABucketBelowAMicrosecondAndOneBeyondAnHour) {
  log2_histogram h;
  h.record(1ns);
  h.record(100h);
  EXPECT_EQ(h.percentile(50), 512ns);
  EXPECT_EQ(h.percentile(100), 100h);
}

}  // namespace
}  // namespace workit::test
