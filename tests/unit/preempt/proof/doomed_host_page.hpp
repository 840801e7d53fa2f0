// The page that a doomed host and its mourner share with the test.
#pragma once

#include <atomic>

namespace workit::test {

/// What the child was told of its host's end.
enum class news : int { none, died, released };

struct doomed_host_page {
  std::atomic<bool> mourning{false};  ///< the mourner is about to wait for the host's death
  std::atomic<bool> end{false};       ///< asks the host to end cleanly
  std::atomic<news> heard{news::none};
};

}  // namespace workit::test
