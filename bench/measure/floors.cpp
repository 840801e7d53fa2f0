// Measures the floors with bare system calls.
#include "floors.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <list>
#include <thread>

#include "child.hpp"
#include "stopwatch.hpp"

namespace workit::bench {
namespace {

std::atomic<std::int64_t> handled_at{0};

/// The victim and its killer each have a CPU afterwards, where there are two: as it is with a pool's loop and worker. A
/// killer that had slept would wake on the victim's own, and save the interrupt that a stop costs.
void settle() {
  const auto until = stopwatch::clock::now() + std::chrono::milliseconds(4);
  while (stopwatch::clock::now() < until) {
  }
}

/// Has so many victims fill their memory, then spin together; kills them, makes one barrier, and calls `then` with a
/// watch that runs since before the first kill.
template <class Then>
void kill_and(int victims, int memory_mib, Then then) {
  std::list<child> spinning;
  for (int v = 0; v < victims; ++v) spinning.emplace_back(role::spin_on_call, memory_mib);
  for (const auto& c : spinning) {
    c->call = 1;
    futex_wake(c->call);
  }
  settle();
  const stopwatch watch;
  for (const auto& c : spinning) kill(c.id(), SIGKILL);
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
  then(watch);
}

}  // namespace

samples signal_to_handler(int n) {
  struct sigaction handle {};
  struct sigaction before {};
  handle.sa_handler = [](int) { handled_at = stopwatch::clock::now().time_since_epoch().count(); };
  sigaction(SIGUSR1, &handle, &before);
  std::atomic<pid_t> id{0};
  std::atomic<bool> over{false};
  std::thread target([&] {
    id = static_cast<pid_t>(syscall(SYS_gettid));
    while (!over.load(std::memory_order_relaxed)) {
    }
  });
  while (id == 0) {
  }
  samples all;
  random_pause pause;
  for (int i = 0; i < n; ++i) {
    pause();
    handled_at = 0;
    const stopwatch watch;
    syscall(SYS_tgkill, getpid(), id.load(), SIGUSR1);
    while (handled_at == 0) {
    }
    all.push_back(watch.until(handled_at));
  }
  over = true;
  target.join();
  sigaction(SIGUSR1, &before, nullptr);
  return all;
}

samples kills_to_proof(int victims, int memory_mib, int n) {
  samples all;
  for (int i = 0; i < n; ++i)
    kill_and(victims, memory_mib, [&](const stopwatch& watch) { all.push_back(watch.elapsed()); });
  return all;
}

samples kills_to_wake(int victims, int memory_mib, int n) {
  const child parked(role::wake);
  samples all;
  for (int i = 0; i < n; ++i)
    kill_and(victims, memory_mib, [&](const stopwatch& watch) {
      const auto number = ++parked->call;
      futex_wake(parked->call);
      while (parked->answer != number) usleep(100);  // a spinning wait would keep a processor from it
      all.push_back(watch.until(parked->stamp));
    });
  return all;
}

samples kill_to_reaped(int memory_mib, int n) {
  samples all;
  for (int i = 0; i < n; ++i) {
    child spinning(role::spin, memory_mib);
    settle();
    const stopwatch watch;
    kill(spinning.id(), SIGKILL);
    spinning.reap();
    all.push_back(watch.elapsed());
  }
  return all;
}

samples futex_wake_to_run(int n) {
  const child parked(role::wake);
  samples all;
  for (int i = 0; i < n; ++i) {
    usleep(3000);  // it has slept as long as a spare whose turn comes
    const stopwatch watch;
    const auto number = ++parked->call;
    futex_wake(parked->call);
    while (parked->answer != number) {
    }
    all.push_back(watch.until(parked->stamp));
  }
  return all;
}

samples futex_round_trip(int n) {
  const child other(role::echo);
  samples all;
  for (int i = 0; i < n; ++i) {
    const stopwatch watch;
    const auto number = ++other->call;
    futex_wake(other->call);
    while (other->answer != number) futex_wait(other->answer, number - 1);
    all.push_back(watch.elapsed());
  }
  return all;
}

samples copy_of(std::size_t bytes, int n) {
  std::vector<std::byte> from(bytes, std::byte{1}), to(bytes, std::byte{2});
  samples all;
  for (int i = 0; i < n; ++i) {
    const stopwatch watch;
    std::memcpy(to.data(), from.data(), bytes);
    asm volatile("" : : "r"(to.data()) : "memory");
    all.push_back(watch.elapsed());
  }
  return all;
}

}  // namespace workit::bench
