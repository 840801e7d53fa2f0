// One packet on a SOCK_SEQPACKET socket, with descriptors beside it (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <span>
#include <vector>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

/// Most descriptors that travel with one packet (the kernel's SCM_MAX_FD is 253).
inline constexpr std::size_t most_descriptors = 202;

enum class transfer { done, again, closed };

/// Sends without blocking and without SIGPIPE. EINTR-safe. errno tells what `closed` was.
[[nodiscard]] transfer send_packet(int socket, std::span<const std::byte> content,
                                   std::span<const int> descriptors = {}) noexcept;

/// Receives without blocking; descriptors arrive close-on-exec, and are missing when this process may not open more. A
/// packet that does not fit counts as closed. `content` is shortened to what was received.
[[nodiscard]] transfer receive_packet(int socket, std::span<std::byte>& content,
                                      std::vector<unique_fd>& descriptors) noexcept;

}  // namespace workit::workers
