// packets: sendmsg(2) and recvmsg(2).
#include "packets.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace workit::workers {
namespace {

transfer failure() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK ? transfer::again : transfer::closed; }

struct alignas(cmsghdr) control_room {
  char bytes[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
};

}  // namespace

transfer send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) noexcept {
  iovec content{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr packet{};
  packet.msg_iov = &content;
  packet.msg_iovlen = 1;
  control_room room;
  if (!descriptors.empty()) {
    packet.msg_control = room.bytes;
    packet.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return transfer::done;
    if (errno != EINTR) return failure();
  }
}

transfer receive_packet(int socket, std::span<std::byte>& bytes, std::vector<unique_fd>& descriptors) noexcept {
  iovec content{bytes.data(), bytes.size()};
  control_room room;
  msghdr packet{};
  packet.msg_iov = &content;
  packet.msg_iovlen = 1;
  packet.msg_control = room.bytes;
  packet.msg_controllen = sizeof room.bytes;
  ssize_t size = -1;
  do size = ::recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (size < 0 && errno == EINTR);
  if (size < 0) return failure();

  descriptors.clear();
  for (cmsghdr* header = CMSG_FIRSTHDR(&packet); header != nullptr; header = CMSG_NXTHDR(&packet, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  // With MSG_CTRUNC a descriptor is missing, the bytes are whole: the caller counts the descriptors.
  if (size == 0 || (packet.msg_flags & MSG_TRUNC) != 0) return transfer::closed;
  bytes = bytes.first(static_cast<std::size_t>(size));
  return transfer::done;
}

}  // namespace workit::workers
