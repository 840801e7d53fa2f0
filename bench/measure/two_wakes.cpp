// Bare threads in the place of a pool's: one that computes wakes its caller, and then the thread with the next task.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <workit/base/unique_fd.hpp>

#include "child.hpp"
#include "floors.hpp"
#include "stopwatch.hpp"

namespace workit::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto callers_work = 50us;

std::int64_t now_ns() { return stopwatch::clock::now().time_since_epoch().count(); }

/// The words of turn i hold i once it is due.
struct turns {
  std::atomic<std::uint32_t> begins{0}, ends{0}, next{0};
  std::atomic<std::int64_t> ended_at{0}, next_at{0};
};

void compute_and_wake_both(turns& t, int caller, std::uint32_t n) {
  for (std::uint32_t i = 1; i <= n; ++i) {
    while (t.begins != i) futex_wait(t.begins, i - 1);
    while (t.ends != i) {
    }
    t.ended_at = now_ns();
    eventfd_write(caller, 1);
    t.next = i;
    futex_wake(t.next);
    usleep(1000);  // as one that is retired
  }
}

void begin_next(turns& t, std::uint32_t n) {
  for (std::uint32_t i = 1; i <= n; ++i) {
    while (t.next != i) futex_wait(t.next, i - 1);
    t.next_at = now_ns();
  }
}

}  // namespace

samples wake_behind_a_caller(int n) {
  const unique_fd ready_event(eventfd(0, EFD_CLOEXEC)), waited_on(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(waited_on.get(), EPOLL_CTL_ADD, ready_event.get(), &event);
  turns t;
  const auto count = static_cast<std::uint32_t>(n);
  std::thread computing([&] { compute_and_wake_both(t, ready_event.get(), count); });
  std::thread parked([&] { begin_next(t, count); });
  samples all;
  random_pause pause;
  for (std::uint32_t i = 1; i <= count; ++i) {
    t.next_at = 0;
    t.begins = i;
    futex_wake(t.begins);
    usleep(3000);
    pause();
    t.ends = i;
    eventfd_t counter = 0;
    while (epoll_wait(waited_on.get(), &event, 1, -1) < 1) {
    }
    eventfd_read(ready_event.get(), &counter);
    for (const auto until = stopwatch::clock::now() + callers_work; stopwatch::clock::now() < until;) {
    }
    while (t.next_at == 0) usleep(100);
    all.push_back(static_cast<double>(t.next_at - t.ended_at) / 1e3);
    usleep(2000);
  }
  computing.join();
  parked.join();
  return all;
}

}  // namespace workit::bench
