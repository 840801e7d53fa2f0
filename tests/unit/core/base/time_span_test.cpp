// time_span: every length of time, saturating.
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <workit/base/deadline_point.hpp>
#include <workit/base/time_span.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using std::chrono::hours;
using std::chrono::milliseconds;
using fractional = std::chrono::duration<double>;

static_assert(std::is_trivially_copyable_v<time_span>);
static_assert(sizeof(time_span) == sizeof(duration));
static_assert(std::is_convertible_v<hours, time_span> && std::is_convertible_v<time_span, duration>);

TEST(TimeSpan, IsWhatWasGivenWhereNanosecondsCanCountIt) {
  static_assert(duration(time_span(2ms)) == 2ms);
  static_assert(duration(time_span(fractional(0.5))) == 500ms);
  static_assert(duration(time_span(-1h)) == -1h);
  static_assert(duration(time_span(std::chrono::duration<int, std::pico>(1999))) == 1ns, "as std::chrono cuts");
  static_assert(duration(time_span(std::chrono::duration<unsigned char>(200))) == 200s);
  static_assert(time_span() == 0ns);
}

TEST(TimeSpan, IsTheLongestOrShortestWhereTheyCannot) {
  for (const time_span longest :
       {time_span(hours::max()), time_span(milliseconds::max()), time_span(std::chrono::years(300)),
        time_span(std::chrono::duration<std::uint64_t>(~std::uint64_t{0})),
        time_span(std::chrono::duration<int, std::exa>(1)), time_span(fractional(1e300)),
        time_span(fractional(std::numeric_limits<double>::infinity()))})
    EXPECT_EQ(longest, duration::max());
  for (const time_span shortest :
       {time_span(hours::min()), time_span(milliseconds::min()), time_span(std::chrono::years(-300)),
        time_span(std::chrono::duration<int, std::exa>(-1)), time_span(fractional(-1e300))})
    EXPECT_EQ(shortest, duration::min());
  EXPECT_EQ(time_span(fractional(std::numeric_limits<double>::quiet_NaN())), duration::zero());
}

TEST(TimeSpan, ControlArmTheConversionOfTheStandardLibraryWraps) {
  using years = std::chrono::duration<std::uint64_t, std::ratio<31'556'952>>;  // unsigned, so that it may
  using nanoseconds = std::chrono::duration<std::uint64_t, std::nano>;
  const auto wrapped = std::chrono::duration_cast<nanoseconds>(years(900));
  EXPECT_LT(wrapped.count() / 1'000'000'000, std::uint64_t{900} * 31'556'952);
}

TEST(TimeSpan, ComparesWithDurationsAndOptionalOnes) {
  EXPECT_LT(time_span(1ms), 1s);
  EXPECT_EQ(std::optional<time_span>(5ms), 5000us);
  const std::optional<duration> read = std::optional<time_span>(5ms);
  EXPECT_EQ(read, 5ms);
}

TEST(TimeSpan, OfAnInstantSaturatesToo) {
  using coarse = std::chrono::time_point<std::chrono::steady_clock, hours>;
  EXPECT_TRUE(deadline_point(coarse::max()).is_never());
  EXPECT_TRUE(deadline_point(coarse::min()).passed(time_point{1h}));
  EXPECT_EQ(deadline_point(coarse::min()).overdue(time_point{1h}), 1h) << "no further back than the clock goes";
  EXPECT_EQ(deadline_point(coarse(hours(2))).at(), time_point{2h});
}

}  // namespace
}  // namespace workit
