// exit_from_work: a thread_local whose destructor runs while work is under way has been called by exit().
//
// Source: glibc, stdlib/exit.c: a handler that calls exit() continues with the handlers that have not run yet,
// on_exit(3) handlers that are registered meanwhile run first, and the lock of 2.41 is recursive. Lock order: there are
// no locks.
#include <workit/base/detail/exit_from_work.hpp>

#include <atomic>
#include <cstdlib>

namespace workit::detail {
namespace {

constinit std::atomic<int> exit_status{EXIT_FAILURE};
constinit thread_local unsigned works = 0;
constinit thread_local bool exits = false;

void note_status(int status, void*) { exit_status.store(status); }

struct end_of_thread {
  ~end_of_thread() {
    if (works == 0) return;
    exits = on_exit(note_status, nullptr) == 0;
  }
};

}  // namespace

runs_work::runs_work() noexcept {
  static thread_local end_of_thread watched;
  [[maybe_unused]] volatile auto* const registered = &watched;
  ++works;
}

runs_work::~runs_work() { --works; }

bool exit_comes_from_work() noexcept { return exits; }

void finish_exit() noexcept { std::exit(exit_status.load()); }

}  // namespace workit::detail
