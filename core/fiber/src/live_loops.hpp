// live_loops: the loops of all runtimes of this process, for snapshots of the whole process.
#pragma once

#include <memory>
#include <vector>

namespace workit::detail {

class loop;

/// Threads: any. Blocks: no (a short lock of its own).
class live_loops {
 public:
  static void add(const std::shared_ptr<loop>& one);
  static void remove(const loop& one) noexcept;
  /// In the order they began. Lifetime: holds the loops, which may end meanwhile.
  [[nodiscard]] static std::vector<std::shared_ptr<loop>> all();
};

}  // namespace workit::detail
