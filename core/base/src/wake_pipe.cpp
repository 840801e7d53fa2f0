// wake_pipe: see the header.
#include <workit/base/detail/wake_pipe.hpp>

#include <fcntl.h>

#include <array>
#include <cerrno>

namespace workit::detail {

wake_pipe wake_pipe::make() noexcept {
  int ends[2] = {-1, -1};
  wake_pipe made;
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return made;
  made.reading_ = unique_fd(ends[0]);
  made.writing_ = unique_fd(ends[1]);
  return made;
}

// Bounded: a process that writes without end must not hold the thread that reads. What is left wakes it again.
bool wake_pipe::drain() noexcept {
  constexpr int most_reads = 128;  // of 512 bytes: as much as a pipe usually holds
  std::array<char, 512> wakes;
  bool any = false;
  for (int reads = 0; reads < most_reads; ++reads) {
    const auto got = ::read(reading_.get(), wakes.data(), wakes.size());
    if (got < 0 && errno == EINTR) continue;
    any = any || got > 0;
    if (got < static_cast<ssize_t>(wakes.size())) break;
  }
  return any;
}

void wake_pipe::reset() noexcept {
  reading_.reset();
  writing_.reset();
}

}  // namespace workit::detail
