// A program that the test stops: its one worker reports its pid and spins; the argument is the limit of its processor
// time in milliseconds, 0 for none.
#include <cstdio>
#include <cstdlib>
#include <workit/workers/init.hpp>

#include "pool_host.hpp"

namespace {

void report_and_spin() {
  dprintf(1, "%d\n", getpid());
  for (volatile unsigned n = 0;;) n = n + 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace workit;
  init(argc, argv);
  process_options options{.workers = 1, .spares = 0};
  if (argc > 1 && std::atoi(argv[1]) > 0) options.limits.cpu = std::chrono::milliseconds(std::atoi(argv[1]));
  test::pool_host host(options);
  host.submit(report_and_spin)->wait();
}
