// The subjects of the benchmarks; each function registers its figures.
#pragma once

namespace workit::bench {

// Of workit_bench.
void add_process_stops();
void add_calls();
void add_scopes_and_tasks();
void add_channels();
void add_work();
void add_compositions();
void add_sockets();

// Of workit_thread_bench.
void add_kicks();
void add_thread_figures();
void add_costs();

}  // namespace workit::bench
