// Whether this process may be forked: only with a single thread are all locks free in the child.
#pragma once

#include <optional>
#include <string>

namespace workit::workers {

/// Where threads that are in the way have come from.
enum class threads_from { before_init, preload };

/// A sentence when this process has more threads than it may have to fork workers; nothing when it may. A thread that
/// was joined a moment ago may still be counted by the kernel, but holds no lock of the C library any more: it does not
/// count.
[[nodiscard]] std::optional<std::string> why_unforkable(threads_from where);

/// How many threads why_unforkable() has counted.
[[nodiscard]] unsigned threads_in_user_code() noexcept;

}  // namespace workit::workers
