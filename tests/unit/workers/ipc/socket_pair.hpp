// Both ends of a packet socket, as host and worker have them.
#pragma once

#include <sys/socket.h>

#include <stdexcept>
#include <workit/base/unique_fd.hpp>

namespace workit::test {

struct socket_pair {
  unique_fd host, worker;

  socket_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socketpair");
    host = unique_fd(ends[0]);
    worker = unique_fd(ends[1]);
  }
};

}  // namespace workit::test
