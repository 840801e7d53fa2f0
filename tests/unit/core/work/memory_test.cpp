// work(): memory that does not grow with the items.
#include "sources.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> live_allocations{0};
}

// This program counts what it allocates. The aligned forms stay the library's.
void* operator new(std::size_t n) {
  if (void* p = std::malloc(n != 0 ? n : 1)) {
    live_allocations.fetch_add(1, std::memory_order_relaxed);
    return p;
  }
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  if (p != nullptr) live_allocations.fetch_sub(1, std::memory_order_relaxed);
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

namespace workit {
namespace {

using test::manual_runtime;

class WorkMemory : public test::runtime_test {
 protected:
  static constexpr int early = 1000, late = 50'000;
  test::source_log log;
  long at_early = 0, at_late = 0;

  void look(int item) {
    if (item == early) at_early = live_allocations;
    if (item == late) at_late = live_allocations;
  }
};

// A small version; bench/benchmarks/work_bench.cpp runs a million items.
TEST_F(WorkMemory, OfAStreamDoesNotGrowWithWhatItHasYielded) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    for (const int v : work(test::numbers(log)).in_parallel(16).map([](int row) { return row; }).stream(s)) {
      look(v);
      if (v == late) break;
    }
  });
  EXPECT_GT(at_early, 0);
  EXPECT_NEAR(static_cast<double>(at_late), static_cast<double>(at_early), 100);
}

TEST_F(WorkMemory, OfARunWithoutValuesDoesNotGrowEither) {
  manual_runtime rt;
  rt.run(work(test::numbers(log, late + 1)).in_parallel(16).for_each([&](int row) { look(row); }));
  EXPECT_NEAR(static_cast<double>(at_late), static_cast<double>(at_early), 100);
}

TEST_F(WorkMemory, IsSeenToGrowWhereItDoes) {
  manual_runtime rt;
  rt.run(work(test::numbers(log, late + 1)).in_parallel(16).for_each([&](int row) {
    look(row);
    return std::make_unique<int>(row);
  }));
  EXPECT_GT(at_late - at_early, late - early - 100) << "the control arm: results that are kept";
}

}  // namespace
}  // namespace workit
