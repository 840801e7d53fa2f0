// A round: the series and notes of one launch, in the bench's file format.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace peers {

/// What a reader has to know of a peer.
struct description {
  std::string name;     // a path element
  std::string title;    // for people
  std::string stops;    // native: whatever runs; cooperative: a loop that asks; nothing: it only stops waiting
  std::string version;  // of what was measured
};

class round {
 public:
  round();

  /// Adds `microseconds` as the series of an event, unless there are none.
  void add(const description& peer, int memory_mib, const std::string& event, const std::vector<double>& microseconds);

  void note(const description& peer, const std::string& what);

  void write(std::ostream& out) const;

 private:
  nlohmann::ordered_json file_;
};

}  // namespace peers
