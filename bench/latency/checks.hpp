// What this machine lacks that stopping needs, found before anything is measured.
#pragma once

#include <string>
#include <vector>

namespace workit::latency {

struct finding {
  std::string what{};    ///< a sentence: what is missing, and what to do
  bool process = false;  ///< whether the process boundary cannot be had because of it
};

/// What a load average means for figures that are taken on so many CPUs; empty when it means nothing.
[[nodiscard]] std::string busy_sentence(double load, int cpus);

/// Asks the kernel for each call that the boundaries rest on. Blocks: some microseconds.
[[nodiscard]] std::vector<finding> checks();

}  // namespace workit::latency
