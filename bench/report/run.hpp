// One run of the bench: what its rounds measured, on which machine, and what they had to skip.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace workit::bench_report {

/// What is wrong with a file or an argument: what was given, and what is allowed. Ends the program with status 2.
struct bad_input : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What samples are counted in. Less is better, except of items_per_second.
enum class unit { nanoseconds, microseconds, bytes, items_per_second };

/// As files spell it: ns, us, B, items/s.
[[nodiscard]] std::string_view to_string(unit u) noexcept;
[[nodiscard]] inline bool more_is_better(unit u) noexcept { return u == unit::items_per_second; }

/// Where and when one round was taken.
struct machine {
  std::string cpu;
  int cpus = 0;
  std::string kernel;
  std::string compiler;
  std::string build;
  bool hypervisor = false;
  bool pinned = false;
  double clock_resolution_ns = 0;
  double load_before = 0;  ///< load average of a minute
  double load_after = 0;
  std::string began;  ///< ISO 8601, UTC

  /// Whether figures of the two can be compared without a floor between them.
  [[nodiscard]] bool like(const machine& other) const {
    return cpu == other.cpu && cpus == other.cpus && kernel == other.kernel;
  }
};

/// One figure's raw samples.
struct series {
  std::string name;  ///< a path, unique in the run
  bench_report::unit unit = bench_report::unit::microseconds;
  std::map<std::string, std::string> tags;
  std::optional<std::string> floor;         ///< the series that this one is a ratio of
  std::vector<std::vector<double>> rounds;  ///< in the order taken; none is empty, all samples are finite

  /// The value of a tag, or nothing.
  [[nodiscard]] std::string_view tag(const std::string& key) const;
};

/// What a round could not measure.
struct skipped {
  std::string name;  ///< a series, or the path above several
  std::string why;
  friend bool operator==(const skipped&, const skipped&) = default;
};

struct run {
  std::vector<machine> machines;  ///< one for each file that was merged; never empty
  std::vector<bench_report::series> series;
  std::vector<bench_report::skipped> skipped;

  /// The series of that name, or null. Lifetime: until `series` changes.
  [[nodiscard]] const bench_report::series* find(std::string_view name) const;
  /// Why the series of that name is not there, as well as the run knows.
  [[nodiscard]] std::string why_absent(std::string_view name) const;
  /// The most rounds that any series has.
  [[nodiscard]] std::size_t rounds() const;
};

/// Reads one round's file or a merged one. Errors: bad_input, which names the file, and the series when it is about
/// one.
[[nodiscard]] run read_run(const std::filesystem::path& file);

/// Writes the merged form. Errors: bad_input, when the file cannot be written.
void write_run(const run& r, const std::filesystem::path& file);

/// Joins rounds into a run: each file that has a series adds its rounds to it. Errors: bad_input, when two files do not
/// agree on a series' unit or floor.
[[nodiscard]] run merge(const std::vector<std::filesystem::path>& files);

}  // namespace workit::bench_report
