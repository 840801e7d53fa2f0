// The control arm: the workloads of the thread boundary's tests under pthread_cancel with PTHREAD_CANCEL_ASYNCHRONOUS,
// the one way that POSIX has to end a thread that does not cooperate.
//
//   workit_cancel_workloads [TRIALS [NAME ...]]
//
// prints for each workload (or those named) how many of its trials (50) ended well, aborted, and hung for two seconds;
// five that hung are enough. A trial is a process of its own: it cancels the workload at a random instant, joins it,
// and checks what the tests of the thread boundary check after a stop.
//
// This program does not link the interposed calls: it shows the behaviour of a plain program.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "workloads.hpp"

namespace {

using namespace workit::test;
using namespace std::chrono_literals;

void* begin(void* body) {
  int before = 0;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
  (*reinterpret_cast<task_body*>(body))();
  return nullptr;
}

int cancel_one(workload what, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, begin, &what.body) != 0) return 1;
  ::usleep(2000);  // it runs
  wait_randomly(random);
  pthread_cancel(thread);
  pthread_join(thread, nullptr);
  check_survivors();
  return 0;
}

enum class end : int { well, aborted, hung };

end try_one(const workload& what, std::uint64_t seed) {
  const auto child = ::fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    ::_exit(cancel_one(what, seed));
  }
  const auto until = std::chrono::steady_clock::now() + 2s;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return end::hung;
    }
    ::usleep(200);
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? end::well : end::aborted;
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 50;
  std::mt19937_64 random(seed());
  for (const auto& what : stoppable_workloads()) {
    bool asked = argc <= 2;
    for (int i = 2; i < argc; ++i) asked |= std::strcmp(argv[i], what.name) == 0;
    if (!asked) continue;
    int counts[3]{};
    for (int i = 0; i < trials && counts[2] < 5; ++i) ++counts[static_cast<int>(try_one(what, random()))];
    std::printf("%s %d %d %d\n", what.name, counts[0], counts[1], counts[2]);
    std::fflush(stdout);
  }
}
