// How many threads and descriptors this process has.
#pragma once

#include <cstddef>
#include <string>

namespace workit::test {

/// A count of what a runtime has to give back.
struct census {
  std::size_t threads = 0;
  std::size_t descriptors = 0;

  [[nodiscard]] static census take();
  /// Waits for as long as more is there than in `before`, up to ten seconds: the kernel takes a thread out of /proc a
  /// little after join() has returned. Returns the last count.
  [[nodiscard]] static census settle(const census& before);
  /// What each descriptor is, one a line, for the message of a failed test.
  [[nodiscard]] static std::string descriptors_by_name();

  friend bool operator==(const census&, const census&) = default;
};

}  // namespace workit::test
