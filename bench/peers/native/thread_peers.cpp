// The peers that are threads: asynchronous pthread_cancel, and std::jthread with a loop that asks its token or does
// not.
#include <gnu/libc-version.h>
#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "stops.hpp"

namespace peers {

namespace {

std::string glibc() { return std::string("glibc ") + gnu_get_libc_version(); }

// Nothing here may be noexcept: the cancellation unwinds from any instruction of the loop.
void* spin_until_cancelled(void* mark) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  for (;;) static_cast<stamp*>(mark)->mark();
}

void* successor(void* n) { return reinterpret_cast<void*>(reinterpret_cast<std::intptr_t>(n) + 1); }

pthread_t create(void* (*body)(void*), void* argument) {
  pthread_t thread{};
  if (const int error = pthread_create(&thread, nullptr, body, argument)) {
    throw std::system_error(error, std::generic_category(), "pthread_create");
  }
  return thread;
}

int successor_in_a_new_jthread(int n) {
  int result = 0;
  {
    const std::jthread task([&] { result = n + 1; });
  }
  return result;
}

}  // namespace

void pthread_cancel_asynchronous(round& to, extent much) {
  const description peer{"pthread_cancel", "pthread_cancel (asynchronous)", "native", glibc()};
  pthread_t victim{};
  const way how{
      .start = [&](stamp& mark) { victim = create(spin_until_cancelled, &mark); },
      .stop =
          [&] {
            pthread_cancel(victim);
            pthread_join(victim, nullptr);
          },
      .trivial_successor =
          [](int n) {
            void* result = nullptr;
            pthread_join(create(successor, reinterpret_cast<void*>(std::intptr_t{n})), &result);
            return static_cast<int>(reinterpret_cast<std::intptr_t>(result));
          },
  };
  measure_round_trips(to, peer, how, much);
  measure_stops(to, peer, 0, how, much);
  to.note(peer, "safe only for code that takes no lock and no memory, as this loop; anything else is left broken");
}

void jthread_asking_its_token(round& to, extent much) {
  const description peer{"jthread_token", "std::jthread, the loop asks its token", "cooperative", glibc()};
  std::jthread victim;
  const way how{
      .start =
          [&](stamp& mark) {
            victim = std::jthread([&mark](const std::stop_token& token) {
              while (!token.stop_requested()) mark.mark();
            });
          },
      .stop =
          [&] {
            victim.request_stop();
            victim.join();
          },
      .trivial_successor = successor_in_a_new_jthread,
  };
  measure_round_trips(to, peer, how, much);
  measure_stops(to, peer, 0, how, much);
}

void jthread_ignoring_its_token(round& to, extent) {
  const description peer{"jthread_ignoring", "std::jthread, the loop does not ask its token", "nothing", glibc()};
  stamp mark;
  std::atomic<bool> leash{true};  // how this program, unlike the caller, gets rid of the victim
  std::jthread victim([&](const std::stop_token&) {
    while (leash.load(std::memory_order_relaxed)) mark.mark();
  });
  mark.wait_until_running();
  victim.request_stop();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  mark.clear();
  mark.wait_until_running();
  leash = false;
  to.note(peer, "still running 1 s after request_stop(): join() does not return, so the caller never resumes");
}

}  // namespace peers
