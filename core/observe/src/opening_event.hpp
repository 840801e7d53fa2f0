// opening_event: scope_opened of a scope that is open already, for observers that attach inside it.
#pragma once

#include <workit/observe/event_sink.hpp>

namespace workit::detail {

/// Threads: the scope's loop.
[[nodiscard]] recorded_event opening_of(const scope_node& opened);

}  // namespace workit::detail
