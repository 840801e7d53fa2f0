// The body returns at once; run() returns when the background work that it started is done, in a worker process too.
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <workit/workit.hpp>

#include "receipt.hpp"
using namespace std::chrono_literals;

// In the worker: takes its time, and says which process it is.
int compact(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return getpid();
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  bool done = false, done_at_return = true;
  double run_ms = 0;
  std::optional<workit::task<int>> compaction;
  {
    workit::runtime rt({}, workit::processes({.workers = 1}));
    const auto began = std::chrono::steady_clock::now();
    rt.run({.name = "request"}, [&](workit::scope& s) {
      s.spawn({.name = "audit", .background = true}, [&](workit::context& ctx) {
        ctx.sleep_for(20ms);
        done = true;
      });
      compaction = s.spawn({.name = "compact", .background = true}, workit::offload({}, compact, 20));
      done_at_return = done;
    });
    run_ms = sample::ms(std::chrono::steady_clock::now() - began);
  }
  const bool worker_done = compaction->status() == workit::task_status::succeeded;
  const bool worker_lives = kill(compaction->get(), 0) == 0 || errno != ESRCH;
  const bool children = waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;

  sample::print({{"done_when_the_body_returned", done_at_return},
                 {"background_done", done},
                 {"worker_done", worker_done},
                 {"worker_lives", worker_lives},
                 {"children", children},
                 {"run_ms", run_ms}});
}
