// A run as a table of targets and, when asked for, of every series.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "run.hpp"
#include "text_table.hpp"

namespace workit::bench_report {

/// The machine, the targets with those that fall short first, and with `all` every series. At most 100 columns wide.
[[nodiscard]] std::string table(const run& r, bool all, const ink& colours);

/// The same as JSON: {"machine": [...], "targets": [...], "series": [...]}; figures in the unit stated beside them.
[[nodiscard]] nlohmann::json table_json(const run& r, bool all);

/// The machines of a run as JSON, one a file that was merged.
[[nodiscard]] nlohmann::json machines_json(const run& r);

}  // namespace workit::bench_report
