// A host whose wall clock jumps by an hour, forth and back, a thousand times a second: it and the C++ library call the
// clock_gettime() of this file. Complaints go to standard output. (T23)
#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <ctime>

#include "failures.hpp"

namespace {

std::atomic<long> step_seconds{0};

}  // namespace

// Interposed: the program's own definition comes before libc's.
extern "C" int clock_gettime(clockid_t which, timespec* now) noexcept {
  if (syscall(SYS_clock_gettime, which, now) != 0) return -1;
  if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)
    now->tv_sec += step_seconds.load(std::memory_order_relaxed);
  return 0;
}

namespace {

using namespace workit;
using namespace workit::test;

int complain(const std::string& wrong) {
  std::printf("%s", wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  init(argc, argv);
  std::string wrong;
  const auto before = std::chrono::system_clock::now();
  step_seconds = 3600;
  if (std::chrono::system_clock::now() - before < 1h) return complain("control arm: the wall clock does not jump; ");
  std::atomic<bool> over{false};
  std::thread stepper([&] {
    for (long hour = 1; !over; hour = -hour) {
      step_seconds = 3600 * hour;
      std::this_thread::sleep_for(1ms);
    }
  });
  {
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    for (int n = 0; n < 20; ++n) {
      kept_receipt receipt;
      const auto begun = machine::now();
      try {
        rt.run({.deadline = 50ms, .on_receipt = receipt.keeper()},
               [](scope& s) { s.spawn(offload({}, spin_for_ever)); });
      } catch (const timed_out&) {
      }
      const auto& stop = receipt.get().stops.at(0).receipt;
      if (stop.requested - begun < 50ms) wrong += "a deadline came early; ";
      if (stop.stopped - begun > 50ms + bound(500ms)) wrong += "a deadline came late; ";
      if (stop.stopped < stop.requested) wrong += "a receipt runs backwards; ";
      const auto short_work =
          rt.run([](scope& s) { return how(s.spawn(offload({.timeout = 10s}, [] { usleep(2000); })).result()); });
      if (short_work != "value") wrong += "a limit of ten seconds passed within milliseconds; ";
    }
    wrong += rt.run([](scope& s) { return exercise(s); });
  }
  over = true;
  stepper.join();
  return complain(wrong);
}
