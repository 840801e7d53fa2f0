// Compares the values sent into a channel with those received.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace workit::test {

/// The n-th value of one producer.
struct numbered {
  int producer = 0;
  int number = 0;
  friend auto operator<=>(const numbered&, const numbered&) = default;
};

/// Complaints about a transfer from `sent` to what each consumer received, in its order; empty when nothing was lost,
/// nothing came twice, and every consumer saw each producer's values in order.
inline std::vector<std::string> complaints(std::vector<numbered> sent, const std::vector<std::vector<numbered>>& got) {
  const auto name = [](const numbered& v) { return std::to_string(v.producer) + "#" + std::to_string(v.number); };
  std::vector<std::string> found;
  std::vector<numbered> all;
  for (const auto& consumer : got) {
    std::map<int, int> last;
    for (const auto& v : consumer) {
      const auto [at, first] = last.try_emplace(v.producer, v.number);
      if (!first && at->second >= v.number) found.push_back(name(v) + " out of order");
      at->second = v.number;
      all.push_back(v);
    }
  }
  std::sort(sent.begin(), sent.end());
  std::sort(all.begin(), all.end());
  std::vector<numbered> rest;
  std::set_difference(sent.begin(), sent.end(), all.begin(), all.end(), std::back_inserter(rest));
  for (const auto& v : rest) found.push_back(name(v) + " lost");
  rest.clear();
  std::set_difference(all.begin(), all.end(), sent.begin(), sent.end(), std::back_inserter(rest));
  for (const auto& v : rest) found.push_back(name(v) + " out of nothing");
  return found;
}

}  // namespace workit::test
