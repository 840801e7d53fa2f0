// workit_thread_bench: the figures of programs that stop threads, with libc's calls interposed.
#include <workit/workers/init.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"
#include "measure/child.hpp"

int main(int argc, char** argv) {
  using namespace workit;
  init(argc, argv);
  bench::run_child_role(argc, argv);
  bench::add_kicks();
  bench::add_thread_figures();
  bench::add_costs();
  return bench::run_benchmarks(argc, argv);
}
