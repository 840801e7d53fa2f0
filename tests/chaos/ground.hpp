// What this process holds when nothing is under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace workit::chaos {

struct ground {
  std::vector<std::string> descriptors;  ///< what each is, sorted
  std::size_t threads = 0;
  std::vector<std::string> processes;  ///< below this one: name and state
  std::ptrdiff_t blocks = 0;           ///< of operator new
  std::size_t used_kib = 0;            ///< of malloc, in all its arenas

  [[nodiscard]] static ground take();
  /// The first one, once no process and no thread but those of the driver is left; its own blocks count.
  void be_first(std::size_t of_the_driver);
  /// Takes it again and again, for `patience` at most, until it is as `before`: the kernel takes a thread or a process
  /// out of /proc a little after it has ended.
  [[nodiscard]] static ground settle(const ground& before, std::chrono::milliseconds patience);
  /// What differs from `before`, a sentence each. What malloc has given away may be a
  /// MiB more: where blocks are not counted, some are small caches.
  [[nodiscard]] std::vector<std::string> against(const ground& before) const;
};

}  // namespace workit::chaos
