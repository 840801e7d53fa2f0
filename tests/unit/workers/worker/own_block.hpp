// A worker's block in this process: the control page and a payload, in a memory file of their own.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <payload.hpp>
#include <stdexcept>
#include <workit/base/unique_fd.hpp>

namespace workit::test {

struct own_block {
  unique_fd file{::memfd_create("block", MFD_CLOEXEC)};
  workers::payload content{sized(file.get())};

  own_block() {
    if (!content.mapped()) throw std::runtime_error("the block could not be mapped");
    new (&content.control()) workers::control_block;
  }
  [[nodiscard]] workers::control_block& control() const noexcept { return content.control(); }

 private:
  static int sized(int file) noexcept {
    return ::ftruncate(file, workers::payload_offset + workers::first_payload) == 0 ? file : -1;
  }
};

}  // namespace workit::test
