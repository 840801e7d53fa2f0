// One figure of workit-latency: measured or not, with what it is compared to.
#pragma once

#include <string>
#include <vector>

namespace workit::latency {

struct figure {
  std::string name{};            ///< as on the command line: process, thread, cooperative; or of a floor
  std::string what{};            ///< from where to where
  std::string floor{};           ///< name of the floor it is a ratio of; empty for a floor
  std::string missing{};         ///< why it was not measured; empty when it was
  std::string proof{};           ///< how the stops were proven
  std::vector<double> sorted{};  ///< microseconds
  int refused = 0;               ///< stops that the thread boundary refused
  bool stop = false;             ///< whether a bound on stops holds for it
};

struct bound {
  double p99_us = 0;  ///< 0: none was given
  std::vector<std::string> boundaries{};
};

/// The measured boundaries that the bound is for and that exceed it, and those that could not be measured: sentences.
[[nodiscard]] std::vector<std::string> broken(const bound& limit, const std::vector<figure>& figures);

/// A table with a histogram for every boundary, at most 80 columns wide.
[[nodiscard]] std::string to_text(const std::vector<figure>& figures);

/// One JSON object: machine, findings, figures with percentiles in microseconds, and what broke the bound.
[[nodiscard]] std::string to_json(const std::vector<figure>& figures, const std::vector<std::string>& findings,
                                  const bound& limit);

/// "200us", "1.5ms", "2s" to microseconds. Errors: std::invalid_argument that says what is allowed.
[[nodiscard]] double parse_time(const std::string& text);

}  // namespace workit::latency
