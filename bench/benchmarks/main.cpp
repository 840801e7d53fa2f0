// workit_bench: the figures of programs that do not stop threads.
#include <workit/workers/init.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"
#include "measure/child.hpp"

int main(int argc, char** argv) {
  using namespace workit;
  init(argc, argv);
  bench::run_child_role(argc, argv);
  bench::add_process_stops();
  bench::add_calls();
  bench::add_scopes_and_tasks();
  bench::add_channels();
  bench::add_work();
  bench::add_compositions();
  bench::add_sockets();
  return bench::run_benchmarks(argc, argv);
}
