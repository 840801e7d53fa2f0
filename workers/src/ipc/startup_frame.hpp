// The frames of a start on their way to a zygote: in a sealed memfd beside its hello.
#pragma once

#include <span>
#include <workit/base/unique_fd.hpp>
#include <workit/workers/bytes.hpp>
#include <workit/workers/detail/function_id.hpp>

namespace workit::workers {

/// A memfd with the arguments of preload and worker_init and the modules of the host, one after the other.
/// Errors: start_failed.
[[nodiscard]] unique_fd write_startup_frames(std::span<const std::byte> preload, std::span<const std::byte> worker_init,
                                             std::span<const std::byte> modules);

/// The next `size` bytes from `offset` on; false when the file does not have them.
[[nodiscard]] bool read_startup_frame(int file, std::uint64_t offset, std::uint64_t size, bytes& to);

/// Decodes the arguments and calls the function. Errors: unknown_function, wire_error, what the function throws.
void make_startup_call(const function_id& entry, std::span<const std::byte> arguments);

}  // namespace workit::workers
