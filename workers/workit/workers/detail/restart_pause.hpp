// How long to wait before what has failed is tried again.
#pragma once

#include <algorithm>
#include <chrono>
#include <workit/base/clock.hpp>

namespace workit::workers {

/// 10 ms, doubled with each failure, at most a second.
[[nodiscard]] inline duration restart_pause(unsigned failures) noexcept {
  using namespace std::chrono_literals;
  return std::min<duration>(1s, 10ms * (1 << std::min(failures, 7U)));
}

}  // namespace workit::workers
