// Amounts as people read them: three digits and a unit.
#pragma once

#include <string>
#include <vector>

#include "run.hpp"

namespace workit::bench_report {

/// "14.4 us", "0.57 ms" and the like: three significant digits, scaled so that one to three stand before the point.
[[nodiscard]] std::string amount(double value, unit u);
/// Three significant digits, without a power of ten as far as it goes: "1.07", "12.3", "4200".
[[nodiscard]] std::string three_digits(double value);
/// "1.07 x"; of less than a hundredth, "<0.01 x".
[[nodiscard]] std::string times(double ratio);
/// As it was written in a table: "5 ms" and not "5.00 ms". Of "5.00 ms", "1.50 x" and the like.
[[nodiscard]] std::string without_trailing_zeros(std::string amount);
/// The machine, its compiler, the number of rounds and the loads, in parts that each may stand on a line.
[[nodiscard]] std::vector<std::string> machine_facts(const run& r);

}  // namespace workit::bench_report
