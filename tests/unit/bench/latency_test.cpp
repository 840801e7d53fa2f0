// What workit-latency says of figures, and of a bound on them.
#include <gtest/gtest.h>

#include <stdexcept>

#include "latency/checks.hpp"
#include "latency/figure.hpp"

namespace {

using namespace workit::latency;

figure stops(std::string name, std::vector<double> sorted) {
  return {.name = std::move(name), .what = "stop", .sorted = std::move(sorted), .stop = true};
}

TEST(ParseTime, TakesAUnit) {
  EXPECT_DOUBLE_EQ(parse_time("200us"), 200);
  EXPECT_DOUBLE_EQ(parse_time("1.5ms"), 1500);
  EXPECT_DOUBLE_EQ(parse_time("2s"), 2e6);
}

TEST(ParseTime, SaysWhatWasGivenAndWhatIsAllowed) {
  for (const char* const bad : {"", "200", "us", "-5us", "0us", "nanus", "infs", "5 minutes", "5us more"}) {
    try {
      static_cast<void>(parse_time(bad));
      ADD_FAILURE() << bad << " was taken";
    } catch (const std::invalid_argument& e) {
      EXPECT_NE(std::string(e.what()).find("'" + std::string(bad) + "'"), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("us, ms or s"), std::string::npos) << e.what();
    }
  }
}

TEST(Bound, HoldsUpToItAndIsBrokenBeyond) {
  const std::vector<figure> figures{stops("process", {10, 20, 200})};
  EXPECT_TRUE(broken({.p99_us = 200, .boundaries = {"process"}}, figures).empty());
  const auto why = broken({.p99_us = 199, .boundaries = {"process"}}, figures);
  ASSERT_EQ(why.size(), 1U);
  EXPECT_EQ(why[0], "process: p99 is 200 us, and 199 us was the bound");
  EXPECT_TRUE(broken({.p99_us = 0, .boundaries = {"process"}}, figures).empty()) << "none was given";
  EXPECT_TRUE(broken({.p99_us = 1, .boundaries = {"thread"}}, figures).empty()) << "it is for another boundary";
}

TEST(Bound, IsBrokenByWhatWasNotMeasuredOrRefused) {
  auto missing = stops("thread", {});
  missing.missing = "no threads here";
  auto refused = stops("thread", {1});
  refused.refused = 2;
  const bound limit{.p99_us = 100, .boundaries = {"thread"}};
  EXPECT_EQ(broken(limit, {missing}), std::vector<std::string>{"thread: could not be measured: no threads here"});
  EXPECT_EQ(broken(limit, {refused}), std::vector<std::string>{"thread: 2 stops were refused"});
}

TEST(LatencyText, HasUnitsThatPeopleRead) {
  const auto text = to_text({stops("process", {7.25, 14'460, 4e6})});
  EXPECT_NE(text.find(" 14.5 ms "), std::string::npos) << text;
  EXPECT_NE(text.find(" 4.00 s "), std::string::npos) << text;
  EXPECT_EQ(text.find("e+"), std::string::npos) << text;
  EXPECT_EQ(broken({.p99_us = 1500, .boundaries = {"process"}}, {stops("process", {14'460})}),
            std::vector<std::string>{"process: p99 is 14.5 ms, and 1.50 ms was the bound"});
}

TEST(LatencyChecks, SayWhatALoadMeans) {
  EXPECT_EQ(busy_sentence(2, 2), "");
  EXPECT_EQ(busy_sentence(50, 0), "") << "unknown";
  const auto busy = busy_sentence(12.04, 2);
  EXPECT_EQ(busy.find("the load is 12 on 2 CPUs: "), 0u) << busy;
}

TEST(LatencyText, FitsATerminalAndCountsEverySample) {
  const auto text = to_text({stops("process", {0.3, 5, 6, 7, 4e6})});
  std::size_t longest = 0;
  for (std::size_t from = 0, to = 0; (to = text.find('\n', from)) != std::string::npos; from = to + 1)
    longest = std::max(longest, to - from);
  EXPECT_LE(longest, 80U) << text;
  EXPECT_NE(text.find("3  ########"), std::string::npos) << text;
  EXPECT_NE(text.find("1  #"), std::string::npos) << "a single one shows: " << text;
}

}  // namespace
