// What a call across a boundary takes when nothing is stopped.
#pragma once

#include <cstddef>
#include <workit/base/boundary.hpp>

#include "floors.hpp"

namespace workit::bench {

/// Microseconds from the call of an empty task to its result, on a fiber, the pool warm and idle.
[[nodiscard]] samples round_trips(boundary where, int n);

/// Microseconds from making a runtime with one worker process, and its zygote, to the result of its first task.
[[nodiscard]] samples first_results(int n);

/// How a payload goes to a worker process.
enum class passing { by_value, by_shared_buffer };

/// The same with a payload of `bytes` bytes that the worker asks the size of.
[[nodiscard]] samples round_trips(passing how, std::size_t bytes, int n);

}  // namespace workit::bench
