// output_set: see the header.
#include "output_set.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <workit/base/errors.hpp>

#include "captured_output.hpp"

namespace workit::workers {

output_set output_set::make() noexcept {
  output_set made;
  made.set_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
  return made;
}

void output_set::add(std::uint32_t worker, const captured_output& output) {
#ifdef WORKIT_WITHOUT_OUTPUT_READER
  return;  // it is read when the task has ended, and not before
#endif
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = worker;
  if (::epoll_ctl(get(), EPOLL_CTL_ADD, output.descriptor(), &event) != 0)
    throw start_failed(std::string("a worker's output could not be watched: ") + std::strerror(errno));
}

std::vector<std::uint32_t> output_set::written() const {
  std::array<epoll_event, 32> events;
  const int count = ::epoll_wait(get(), events.data(), static_cast<int>(events.size()), 0);
  std::vector<std::uint32_t> workers(static_cast<std::size_t>(std::max(count, 0)));
  std::transform(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(workers.size()), workers.begin(),
                 [](const epoll_event& e) { return e.data.u32; });
  return workers;
}

void output_set::drain(captured_output& output) noexcept {
  if (!output.drain()) ::epoll_ctl(get(), EPOLL_CTL_DEL, output.descriptor(), nullptr);
}

}  // namespace workit::workers
