// What values of some size take across the process boundary, beside what the machine takes at least, and a socket.
#pragma once

#include <cstddef>

#include "floors.hpp"

namespace workit::bench {

/// Microseconds of one copy of `bytes` bytes into warm shared memory, and one from there into a new vector, which is
/// destroyed.
[[nodiscard]] samples copies_by_shared_memory(std::size_t bytes, int n);

/// The same bytes through a socket pair into a new vector of another process, and a byte back.
[[nodiscard]] samples round_trips_by_socket(std::size_t bytes, int n);

/// A vector of `bytes` bytes moved into a call that asks for its size, until the answer is there.
[[nodiscard]] samples arguments(std::size_t bytes, int n);

/// A call whose result is a vector of `bytes` bytes that its worker has, until the caller has that.
[[nodiscard]] samples results(std::size_t bytes, int n);

}  // namespace workit::bench
