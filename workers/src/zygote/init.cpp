// Tells a zygote image from the program itself.
#include <workit/workers/init.hpp>

#include <sys/socket.h>

#include <charconv>
#include <string_view>
#include <workit/base/detail/process_scheduling.hpp>

#include "command_line.hpp"
#include "init_called.hpp"
#include "messages.hpp"
#include "zygote.hpp"

namespace workit {
namespace {

#ifndef WORKIT_SHARED
/// Before the constructors of shared libraries. Only an executable can have such a function, and only one that calls
/// init() has this file.
[[gnu::section(".preinit_array"), gnu::used]] void (*const note_first)() noexcept = &detail::note_processors_at_start;
#endif

/// The program may be run by hand with this argument: it is a zygote only when there is a socket to serve.
bool is_packet_socket(int descriptor) noexcept {
  int domain = 0, type = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
         ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/// The socket's number when the arguments are those of a zygote, else -1. Behind it there is what only ps shows.
int zygote_socket(int argc, char** argv) noexcept {
  if (argc < 2 || argv == nullptr || argv[1] == nullptr) return -1;
  const std::string_view argument = argv[1];
  if (!argument.starts_with(workers::zygote_argument)) return -1;
  int descriptor = -1;
  const auto* end = argument.data() + argument.size();
  const auto parsed = std::from_chars(argument.data() + workers::zygote_argument.size(), end, descriptor);
  return parsed.ec == std::errc{} && parsed.ptr == end && descriptor > 2 && is_packet_socket(descriptor) ? descriptor
                                                                                                         : -1;
}

}  // namespace

void init(int argc, char** argv) {
  workers::note_init();  // by zygotes and workers, too, which may have pools of their own
  if (const int socket = zygote_socket(argc, argv); socket >= 0) {
    workers::keep_command_line(argc, argv);
    workers::run_zygote(socket);
  }
}

}  // namespace workit
