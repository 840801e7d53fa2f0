// A program whose main thread a library has pinned before main. Prints how many processors each has: the main thread, a
// worker, an I/O thread, a thread of a pool (0 where there can be none), and how many workers there are by default.
#include <sched.h>

#include <cstdio>
#include <workit/workit.hpp>

extern "C" int pinned_threads;

namespace {

int own_cpus() {
  cpu_set_t now;
  return sched_getaffinity(0, sizeof now, &now) == 0 ? CPU_COUNT(&now) : -1;
}

int on_a_thread() {
  if (!workit::preempt::why_unsupported().empty()) return 0;
  workit::runtime rt({}, workit::threads({.threads = 1, .spares = 0}));
  return rt.run([](workit::scope& s) { return workit::offload({.boundary = workit::boundary::thread}, own_cpus)(s); });
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  if (pinned_threads == 0) return 1;
  int worker = 0, io = 0;
  std::size_t workers = 0;
  {
    workit::runtime rt({}, workit::processes({.spares = 0}));
    rt.run([&](workit::scope& s) {
      worker = workit::offload(own_cpus)(s);
      io = s.spawn([](workit::context&) { return own_cpus(); }).get();
    });
    workers = workit::find_pool(rt, "")->status().idle;
  }
  std::printf("%d %d %d %d %zu\n", own_cpus(), worker, io, on_a_thread(), workers);
}
