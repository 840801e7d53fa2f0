// What the interposed calls cost where nothing is stopped, beside libc's own behind them.
#include <dlfcn.h>
#include <pthread.h>

#include <cstdlib>

#include "figures.hpp"
#include "runner.hpp"

namespace workit::bench {
namespace {

/// libc's own, behind the interposed one.
template <class Function>
Function* behind(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

using malloc_call = void*(std::size_t);
using free_call = void(void*);
using mutex_call = int(pthread_mutex_t*);

// Through pointers, both arms: what is compared is what is behind them.
void malloc_and_free(benchmark::State& state, malloc_call* take, free_call* give) {
  benchmark::DoNotOptimize(take);
  benchmark::DoNotOptimize(give);
  for (auto _ : state) {
    void* const p = take(64);
    benchmark::DoNotOptimize(p);
    give(p);
  }
}

void lock_and_unlock(benchmark::State& state, mutex_call* take, mutex_call* give) {
  benchmark::DoNotOptimize(take);
  benchmark::DoNotOptimize(give);
  pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
  for (auto _ : state) {
    take(&m);
    give(&m);
  }
}

}  // namespace

void add_costs() {
  timed("cost/malloc_free/bare", "", [](benchmark::State& state) {
    malloc_and_free(state, behind<malloc_call>("malloc"), behind<free_call>("free"));
  });
  timed("cost/malloc_free/interposed", "cost/malloc_free/bare",
        [](benchmark::State& state) { malloc_and_free(state, std::malloc, std::free); });
  timed("cost/lock_unlock/bare", "", [](benchmark::State& state) {
    lock_and_unlock(state, behind<mutex_call>("pthread_mutex_lock"), behind<mutex_call>("pthread_mutex_unlock"));
  });
  timed("cost/lock_unlock/interposed", "cost/lock_unlock/bare",
        [](benchmark::State& state) { lock_and_unlock(state, pthread_mutex_lock, pthread_mutex_unlock); });
}

}  // namespace workit::bench
