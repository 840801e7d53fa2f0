// An instant for tests whose clock is a variable.
#pragma once

#include <chrono>
#include <workit/base/clock.hpp>

namespace workit::test {

inline constexpr time_point noon{std::chrono::hours(12)};

}  // namespace workit::test
