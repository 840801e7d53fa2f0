// What the runtime promises about its speed: the targets that a run is judged by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "distribution.hpp"

namespace workit::bench_report {

/// What a figure is held against.
struct bound {
  enum class kind {
    times,   ///< at most `limit` times another series' statistic
    within,  ///< at most `limit`, in `in`
    plus,    ///< at most `limit`, in `in`, more than another series' statistic
    below,   ///< less than another series' statistic
    peers,   ///< every peer that stops native code takes at least `limit` times as long: a row a peer
    slope,   ///< grows with the victim's memory at most `limit` times as fast as another group of series
  };
  kind is = kind::within;
  double limit = 0;
  unit in = unit::microseconds;
  std::string series;  ///< that is beside it, in the same statistic
};

struct target {
  std::string title;   ///< what is measured, and by what it is counted, in a few words
  std::string series;  ///< of a slope: with {a,b,c} for the sizes
  bench_report::statistic statistic = statistic::p50;
  bench_report::bound bound;
};

/// All targets, in the order in which they are told.
[[nodiscard]] std::vector<target> all_targets();

/// "a{b,c}d" as "abd" and "acd"; text without braces as itself. One pair of braces is allowed.
[[nodiscard]] std::vector<std::string> expand(std::string_view pattern);

}  // namespace workit::bench_report
