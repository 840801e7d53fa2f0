// json_text: reasons, failures, counts and stops as JSON; receipts, snapshots and records share them.
#pragma once

#include <workit/scope/snapshot.hpp>

#include "json_writer.hpp"

namespace workit::detail {

[[nodiscard]] json_value json_of(const cancel_reason& why);
[[nodiscard]] json_value json_of(const failure_snapshot& f);
[[nodiscard]] json_value json_of(const task_counts& c);
[[nodiscard]] json_value json_of(const thread_stop& t);
[[nodiscard]] json_value json_of(const scope_receipt::stop& s);

}  // namespace workit::detail
