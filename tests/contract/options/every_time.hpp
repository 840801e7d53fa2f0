// The longest and the shortest times that there are, of each unit, and a check that every option meets them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace workit::test {

/// Calls `f` with times that no nanoseconds can count, and with the most that they can.
template <class F>
void with_the_longest(F&& f) {
  f(std::chrono::hours::max());
  f(std::chrono::milliseconds::max());
  f(std::chrono::nanoseconds::max());
  f(std::chrono::years(300));
  f(std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
}
template <class F>
void with_the_shortest(F&& f) {
  f(std::chrono::hours::min());
  f(std::chrono::milliseconds::min());
  f(std::chrono::nanoseconds::min());
  f(std::chrono::years(-300));
  f(std::chrono::duration<double>(-std::numeric_limits<double>::infinity()));
}
/// The same for instants of the machine's clock.
template <class F>
void with_the_last_instants(F&& f) {
  with_the_longest([&]<class Rep, class Period>(std::chrono::duration<Rep, Period> d) {
    f(std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<Rep, Period>>(d));
  });
}
template <class F>
void with_the_first_instants(F&& f) {
  with_the_shortest([&]<class Rep, class Period>(std::chrono::duration<Rep, Period> d) {
    f(std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<Rep, Period>>(d));
  });
}

/// `name` is the header and the member or parameter, as ctest's EveryTime.OfAHeaderIsTriedByATest finds them.
template <class Longest, class Shortest>
void time_option(const char* name, Longest&& longest, Shortest&& shortest) {
  const ::testing::ScopedTrace trace(__FILE__, __LINE__, name);
  with_the_longest(longest);
  with_the_shortest(shortest);
}
template <class Last, class First>
void instant_option(const char* name, Last&& last, First&& first) {
  const ::testing::ScopedTrace trace(__FILE__, __LINE__, name);
  with_the_last_instants(last);
  with_the_first_instants(first);
}

}  // namespace workit::test
