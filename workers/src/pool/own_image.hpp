// This program's image, which is run again as a zygote: why that does not work.
#pragma once

#include <string>

namespace workit::workers {

/// What stands in the way, as far as can be seen before: what is needed, what was found, what to do. Empty when nothing
/// is. Blocks: no. Threads: any.
[[nodiscard]] std::string why_not_runnable();

/// The same for posix_spawn(3) that has failed with `error`; the bare words of the error where nothing else is known.
[[nodiscard]] std::string why_not_spawned(int error);

/// The same for an image that has ended before it reached workit::init; `how`: as in "exited with code 127".
[[nodiscard]] std::string why_not_begun(const std::string& how);

}  // namespace workit::workers
