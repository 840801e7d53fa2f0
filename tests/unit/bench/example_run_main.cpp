// Writes the synthetic run: workit_example_run_file FILE.
#include <cstdio>

#include "example_run.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: workit_example_run_file FILE\n");
    return 2;
  }
  workit::bench_report::write_run(workit::bench_report::test::example_run(1), argv[1]);
}
