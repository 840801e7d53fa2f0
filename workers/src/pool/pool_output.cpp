// The captured output of workers, taken in as it comes, so that none of them waits for a reader.
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <workit/base/errors.hpp>

#include "pool_core.hpp"

namespace workit::workers {

/// The kernel takes it out of the set when its handle closes it.
void pool_core::watch_output(const worker_handle& worker) {
#ifdef WORKIT_WITHOUT_OUTPUT_READER
  return;  // it is read when the task has ended, and not before
#endif
  if (worker.output() == nullptr) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = worker.number;
  if (::epoll_ctl(outputs_.get(), EPOLL_CTL_ADD, worker.output()->descriptor(), &event) != 0)
    throw start_failed(std::string("a worker's output could not be watched: ") + std::strerror(errno));
}

void pool_core::on_output() {
  const preempt::normal_priority_scope copying;  // a task that writes without end must not have the warden's priority
  std::array<epoll_event, 32> written;
  const int count = ::epoll_wait(outputs_.get(), written.data(), static_cast<int>(written.size()), 0);
  for (int i = 0; i < count; ++i) {
    handle worker;
    {
      const thread_lock guard(mutex_);
      worker = workers_.find(written[static_cast<std::size_t>(i)].data.u32);
      if (!worker) continue;  // it is being made, or just gone
    }
    auto& output = *worker->output();
    if (!output.drain()) ::epoll_ctl(outputs_.get(), EPOLL_CTL_DEL, output.descriptor(), nullptr);
  }
}

}  // namespace workit::workers
