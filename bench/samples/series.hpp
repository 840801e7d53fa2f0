// Raw samples of one launch of a benchmark program, and the file that keeps them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace workit::bench {

/// One figure, as raw samples in the order taken.
struct series {
  std::string name{};       ///< a path such as stop/process/spin/0MiB/idle/stopped; unique in a file
  std::string unit = "us";  ///< us, ns, B (less is better) or items/s (more is)
  std::string floor{};      ///< name of the series that this one is reported as a ratio of; empty: none
  std::vector<double> samples{};
  std::map<std::string, std::string> tags{};
};

/// What was not measured, and why; or what cannot be said by a number.
struct remark {
  std::string name{}, text{};
};

/// All that one launch has measured. Threads: one.
class round_record {
 public:
  /// Takes the facts of the machine, and its load average now.
  round_record();

  /// Adds the series; appends the samples when it is there already. Errors: std::invalid_argument when there are no
  /// samples, or when the same name came with another unit or floor.
  void add(series s);
  void skip(std::string name, std::string why) { skipped_.push_back({std::move(name), std::move(why)}); }
  /// In the order added.
  [[nodiscard]] const std::vector<series>& all() const noexcept { return all_; }
  /// The samples of that series; null when there is none.
  [[nodiscard]] const series* find(const std::string& name) const;

  /// The record as text: the format workit-bench/1 of docs/performance.md.
  [[nodiscard]] std::string to_json() const;
  /// Writes to_json(). Errors: std::runtime_error with the path and the reason.
  void write(const std::string& path) const;

 private:
  std::string began_;
  double load_before_ = 0;
  std::vector<series> all_;
  std::vector<remark> skipped_;
};

}  // namespace workit::bench
