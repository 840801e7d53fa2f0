// A program to be killed: two spinning workers, one of them with a detached spinning grandchild, and spares.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <workit/workers/init.hpp>

#include "pool_host.hpp"

namespace {

using namespace workit;
using namespace workit::test;

[[noreturn]] void spin() {
  for (volatile unsigned n = 0;;) n = n + 1;
}

void report_and_spin(int pipe_end, bool with_grandchild, const std::string& reported) {
  pid_t pids[2] = {getpid(), 0};
  if (with_grandchild) {
    int ends[2];
    if (pipe(ends) != 0) abort();
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      const pid_t self = getpid();
      if (write(ends[1], &self, sizeof self) != sizeof self) abort();
      spin();
    }
    if (read(ends[0], &pids[1], sizeof pids[1]) != sizeof pids[1]) abort();
  }
  // The worker has none of the host's descriptors but standard output.
  dprintf(pipe_end, with_grandchild ? "%d %d\n" : "%d ", pids[0], pids[1]);
  if (!reported.empty()) std::ofstream(reported).put('x');
  spin();
}

}  // namespace

int main(int argc, char** argv) {
  init(argc, argv);
  pool_host host({.workers = 2, .spares = 2});
  const auto marker =
      (std::filesystem::temp_directory_path() / ("workit_reported_" + std::to_string(getpid()))).string();
  const auto soon = deadline_point(std::chrono::steady_clock::now() + 4s);  // long beside what it takes to report
  const auto bounded = std::make_shared<awaited_job>(host.make_cell(), "bounded",
                                                     workers::make_remote_call(report_and_spin, 1, false, marker),
                                                     workers::job_terms{.until = soon});
  host.pool.submit(bounded);
  // So that it is the first of the report; one that was too slow to report ends the test, not the time-out of the test.
  wait_until([&] { return std::filesystem::exists(marker) || bounded->is_settled(); });
  std::filesystem::remove(marker);
  const auto endless = host.submit(report_and_spin, 1, true, std::string());
  bounded->wait();
  endless->wait();
}
