// The first event of a scope, which nobody who listens from inside of it could have heard.
#pragma once

#include <workit/observe/event_sink.hpp>

namespace workit::detail {

/// Threads: the scope's loop.
[[nodiscard]] recorded_event opening_of(const scope_node& opened);

}  // namespace workit::detail
