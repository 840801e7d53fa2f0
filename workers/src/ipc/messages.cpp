// The packets between host and zygote.
#include "messages.hpp"

namespace workit::workers {

transfer send(int socket, const message& m, std::span<const int> descriptors) noexcept {
  return send_packet(socket, std::as_bytes(std::span(&m, 1)), descriptors);
}

transfer receive(int socket, message& m, std::vector<unique_fd>& descriptors) noexcept {
  auto content = std::as_writable_bytes(std::span(&m, 1));
  const auto got = receive_packet(socket, content, descriptors);
  return got == transfer::done && content.size() != sizeof m ? transfer::closed : got;
}

}  // namespace workit::workers
