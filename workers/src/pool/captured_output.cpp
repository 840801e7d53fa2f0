// captured_output: a pipe that is read without waiting, by the warden and by the thread that settles the task.
//
// Invariants
// 1. What is read is kept or counted, in the order in which it was written.
// Lock order: mutex_ is a leaf.
#include "captured_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <workit/base/errors.hpp>

namespace workit::workers {
namespace {

/// Reads at once: more than a pipe can hold (1 MiB, pipe(7)), so only what is written meanwhile is left for later.
constexpr int most_reads = 64;

}  // namespace

captured_output::captured_output() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw start_failed(std::string("a worker's output could not be captured: pipe: ") + std::strerror(errno));
  ours_ = unique_fd(ends[0]);
  theirs_ = unique_fd(ends[1]);
  ::fcntl(ours_.get(), F_SETFL, O_NONBLOCK);  // of the host's end alone: the writer blocks as on any pipe
}

bool captured_output::drain() noexcept {
  const thread_lock guard(mutex_);
  std::array<char, 16 * 1024> part;
  for (int n = 0; n < most_reads; ++n) {
    const auto size = ::read(ours_.get(), part.data(), part.size());
    if (size == 0) return false;
    if (size > 0)
      keep(part.data(), static_cast<std::size_t>(size));
    else if (errno != EINTR)
      return true;  // EAGAIN
  }
  return true;
}

void captured_output::keep(const char* part, std::size_t size) noexcept {
  try {
    last_.append(part, size);
  } catch (const std::bad_alloc&) {
    dropped_ += last_.size() + size;
    last_.clear();
  }
  if (last_.size() >= 2 * most_output) cut();
}

void captured_output::cut() noexcept {
  const auto too_much = last_.size() - std::min(last_.size(), most_output);
  last_.erase(0, too_much);
  dropped_ += too_much;
}

void captured_output::take(worker_usage& to) noexcept {
  drain();
  const thread_lock guard(mutex_);
  cut();
  to.output = std::exchange(last_, {});
  to.output_dropped = std::exchange(dropped_, 0);
}

}  // namespace workit::workers
