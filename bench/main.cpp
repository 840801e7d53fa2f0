// workit_bench: Google Benchmark's main, with the worker image's entry in front.
#include <benchmark/benchmark.h>

#include <workit/workers/init.hpp>

int main(int argc, char** argv) {
  workit::init(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
