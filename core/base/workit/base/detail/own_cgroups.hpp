// In which cgroups this process is, and where their files are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace workit::detail {

/// Of v2, or of the hierarchy of one controller of v1.
struct own_cgroup {
  bool unified = false;  ///< v2
  std::string mount;     ///< where its hierarchy, or the part of it that is seen here, is mounted
  /// The group's directory below; empty for the mount itself, nothing when it is outside of what is mounted.
  std::optional<std::string> below;
  [[nodiscard]] std::string directory() const { return below ? mount + *below : std::string(); }
};

/// Those that can have files of `controller` ("cpu", "memory"), by cgroup and mountinfo in `proc`/self. Blocks: reads
/// files. Threads: any.
[[nodiscard]] std::vector<own_cgroup> own_cgroups(std::string_view controller, const std::string& proc = "/proc");

}  // namespace workit::detail
