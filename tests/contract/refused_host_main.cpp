// A program that ends beside a task whose stop was refused: `refused_host <exit|leave>`. A static object of it waits
// for the task in its destructor, as OpenBLAS's waits for its threads.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <workit/workit.hpp>

namespace {

using namespace std::chrono_literals;

std::atomic<bool> is_running{false};
std::mutex taken;

/// Never lets go of the lock, so it cannot be left.
void spin_under_a_lock() {
  const std::lock_guard guard(taken);
  for (is_running = true;;) {
  }
}

struct waiting_destructor {
  ~waiting_destructor() {
    if (!is_running) return;
    static_cast<void>(!write(STDOUT_FILENO, "waits ", 6));
    const std::lock_guard guard(taken);
  }
};
const waiting_destructor at_exit;

}  // namespace

int main(int, char** argv) {
  const bool leaves = std::strcmp(argv[1], "exit") != 0, refuses = std::strcmp(argv[1], "leave_without") != 0;
  workit::runtime rt({}, workit::threads({.threads = 1}));
  if (refuses) {
    try {
      rt.run([](workit::scope& s) {
        auto task = s.spawn({.name = "spinner", .background = true},
                            workit::offload({.boundary = workit::boundary::thread}, spin_under_a_lock));
        while (!is_running) s.sleep_for(1ms);
        task.cancel("enough");
        task.wait();
      });
    } catch (const workit::error& e) {
      std::printf("%s ", e.what());
    }
  }
  const auto end = rt.shutdown();
  for (const auto& sentence : end.running_on) std::printf("%s; ", sentence.c_str());
  std::printf("%zu ", rt.shutdown().running_on.size());
  if (leaves) return workit::leave(end, 7);
  std::fflush(stdout);
  return 7;
}
