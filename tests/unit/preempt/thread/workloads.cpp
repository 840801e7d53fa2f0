// workloads: see the header. Each loops until `let_out` is set, which the tests of stops do not do.
#include "workloads.hpp"

#include <alloca.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <immintrin.h>
#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <locale>
#include <map>
#include <ostream>
#include <random>
#include <regex>
#include <shared_mutex>
#include <sstream>
#include <string>
#include <vector>
#include <workit/preempt/no_preempt_scope.hpp>

namespace workit::test {
namespace {

volatile double sink = 0;
bool go_on() { return !let_out.load(std::memory_order_relaxed); }

void spin_on_doubles() {
  volatile double x = 1;
  while (go_on()) x = x * 1.0000001 + 0.1;
}

[[gnu::noinline]] void descend(int depth, task_body body) {
  [[maybe_unused]] volatile char frame[64];
  frame[0] = static_cast<char>(depth);
  if (depth > 0)
    descend(depth - 1, body);
  else
    body();
  frame[1] = 0;
}
void fifty_frames() { descend(50, spin_on_doubles); }

void mathematics() {
  double x = 0.1;
  while (go_on()) {
    x = std::sin(x) + std::exp(-x) * std::cos(x) + std::pow(std::fabs(x), 0.3);
    sink = x;
  }
}

char large[2][1 << 20];
void copy() {
  while (go_on()) {
    std::memcpy(large[0], large[1], sizeof large[0]);
    asm volatile("" ::: "memory");
  }
}

std::vector<double> numbers(20000);
void sort() {
  std::mt19937 g(1);
  while (go_on()) {
    for (auto& x : numbers) x = g();
    std::sort(numbers.begin(), numbers.end());
  }
}

void read_clock() {
  timespec t{};
  while (go_on()) {
    clock_gettime(CLOCK_MONOTONIC, &t);
    sink = static_cast<double>(t.tv_nsec);
  }
}

void allocate() {
  void* blocks[64]{};
  unsigned r = 1;
  while (go_on()) {
    r = r * 1664525 + 1013904223;
    auto*& b = blocks[(r >> 10) & 63];
    std::free(b);
    b = std::malloc(16 + ((r >> 16) & 1023));
    *static_cast<char*>(b) = 1;
  }
}

void build_maps() {
  while (go_on()) {
    std::map<int, std::string> m;
    for (int i = 0; i < 200 && go_on(); ++i) m[(i * 7919) % 997] = std::string(40, 'x');
  }
}

void sort_strings() {
  std::mt19937 g(7);
  std::vector<std::string> v;
  while (go_on()) {
    v.push_back(std::to_string(g()));
    if (v.size() < 500) continue;
    std::sort(v.begin(), v.end());
    v.clear();
    v.shrink_to_fit();
  }
}

void lock_half_of_the_time() {
  while (go_on()) {
    {
      const std::lock_guard guard(shared_mutex_of_tasks());
      for (int i = 0; i < 200; ++i) sink = i;
    }
    for (int i = 0; i < 200; ++i) sink = i;
  }
}

std::shared_mutex readers;
void lock_shared() {
  for (int i = 0; go_on(); ++i) {
    if (i % 2 == 0) {
      const std::shared_lock guard(readers);
      for (int k = 0; k < 100; ++k) sink = k;
    } else {
      const std::unique_lock guard(readers);
      for (int k = 0; k < 100; ++k) sink = k;
    }
  }
}

std::condition_variable never;
void wait_for_a_condition() {
  while (go_on()) {
    std::unique_lock lock(shared_mutex_of_tasks());
    never.wait_for(lock, std::chrono::microseconds(50));
  }
}

std::atomic_flag spin_bit = ATOMIC_FLAG_INIT;
void spin_lock_of_ones_own() {
  while (go_on()) {
    {
      const no_preempt_scope whole;
      while (spin_bit.test_and_set(std::memory_order_acquire)) {
      }
      for (int k = 0; k < 100; ++k) sink = k;
      spin_bit.clear(std::memory_order_release);
    }
    for (int k = 0; k < 100; ++k) sink = k;
  }
}

void print_to_memory() {
  char text[256];
  for (int i = 0; go_on(); ++i) std::snprintf(text, sizeof text, "%d %f %s %x", i, i * 0.37, "hello", i * 77);
}

void call_the_kernel() {
  char bytes[16];
  while (go_on()) {
    ::syscall(SYS_getpid);
    sink = static_cast<double>(::getrandom(bytes, sizeof bytes, 0));
  }
}

int compare(const void* a, const void* b) {
  const double x = *static_cast<const double*>(a), y = *static_cast<const double*>(b);
  return (x > y) - (x < y);
}
double to_sort[2000];
void sort_by_callback() {
  std::mt19937 g(1);
  while (go_on()) {
    for (auto& x : to_sort) x = g();
    std::qsort(to_sort, std::size(to_sort), sizeof(double), compare);
  }
}

int compare_in_print(const void* a, const void* b) {
  char text[32];
  std::snprintf(text, sizeof text, "%f", *static_cast<const double*>(a));
  return compare(a, b);
}
void sort_by_a_callback_that_is_in_a_library() {
  std::mt19937 g(1);
  while (go_on()) {
    for (auto& x : to_sort) x = g();
    std::qsort(to_sort, 200, sizeof(double), compare_in_print);
  }
}

// With two large elements, qsort() spends its time on allocating room for them.
struct large_element {
  int key = 0;
  char rest[40000];
};
template <class Sort>
void sort_large_elements_by(Sort sort) {
  static large_element two[2];
  for (int i = 0; go_on(); ++i) {
    two[0].key = i;
    sort(two, 2, sizeof two[0], [](const void* a, const void* b) {
      return static_cast<const large_element*>(a)->key - static_cast<const large_element*>(b)->key;
    });
  }
}
void sort_large_elements() { sort_large_elements_by(std::qsort); }
// As a library does that was loaded with RTLD_DEEPBIND.
void sort_past_the_calls() {
  sort_large_elements_by(reinterpret_cast<decltype(&std::qsort)>(dlsym(RTLD_NEXT, "qsort")));
}

struct thrown {};
[[gnu::noinline]] void throw_from(int depth) {
  if (depth == 0) throw thrown{};
  throw_from(depth - 1);
  asm volatile("");
}
void throw_and_catch() {
  while (go_on()) {
    try {
      throw_from(5);
    } catch (const thrown&) {
      for (int i = 0; i < 200; ++i) sink = i;
    }
  }
}

int compare_or_throw(const void* a, const void* b) {
  if (*static_cast<const double*>(a) > 4.2e9) throw thrown{};
  return compare(a, b);
}
void throw_through_c() {
  std::mt19937 g(1);
  while (go_on()) {
    for (auto& x : to_sort) x = g();
    try {
      std::qsort(to_sort, std::size(to_sort), sizeof(double), compare_or_throw);
    } catch (const thrown&) {
      sink = sink + 1;
    }
  }
}

void rethrow_under_a_lock() {
  const auto kept = std::make_exception_ptr(thrown{});
  while (go_on()) {
    try {
      const std::lock_guard guard(shared_mutex_of_tasks());
      std::rethrow_exception(kept);
    } catch (const thrown&) {
      for (int i = 0; i < 100; ++i) sink = i;
    }
  }
}

int pipe_ends[2] = {-1, -1};
void blocked_read() {
  static const int made = ::pipe(pipe_ends);
  char byte = static_cast<char>(made);
  while (go_on()) sink = static_cast<double>(::read(pipe_ends[0], &byte, 1));
}

void poll_and_sleep() {
  while (go_on()) {
    sink = ::poll(nullptr, 0, 1);
    ::usleep(500);
  }
}

void stream() {
  while (go_on()) {
    std::ostringstream out;
    for (int i = 0; i < 20; ++i) out << i << ' ' << i * 0.5 << '\n';
    sink = static_cast<double>(out.str().size());
  }
}

void stream_with_locale() {
  while (go_on()) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << std::use_facet<std::numpunct<char>>(out.getloc()).decimal_point() << 1.5;
    std::istringstream in(out.str());
    double x = 0;
    in >> x;
    sink = x;
  }
}

void search_by_regex() {
  const std::regex wanted("(a+)+b|[0-9]{3}-[0-9]{4}");
  const std::string text = std::string(18, 'a') + " 555-1234 aab";
  while (go_on()) sink = std::regex_search(text, wanted) ? 1 : 0;
}

template <int N>
int initialised_slowly() {
  struct slow {
    slow() {
      for (int i = 0; i < 2000; ++i) sink = i;
      value = N;
    }
    int value = 0;
  };
  static const slow once;
  return once.value;
}
template <int... N>
void initialise_all(std::integer_sequence<int, N...>) {
  (initialised_slowly<N>(), ...);
}
void initialise_statics() {
  initialise_all(std::make_integer_sequence<int, 200>());
  spin_on_doubles();
}

void allocate_on_the_stack() {
  for (std::size_t n = 1; go_on(); n = n % 4000 + 1) {
    auto* const bytes = static_cast<volatile char*>(alloca(64));
    bytes[0] = 1;
    [n] {
      auto* const more = static_cast<volatile char*>(alloca(n));
      for (std::size_t i = 0; i < n; ++i) more[i] = static_cast<char>(i);
    }();
    if (n == 4000) return allocate_on_the_stack();
  }
}

[[gnu::target("avx2")]] void use_wide_vectors() {
  __m256d x = _mm256_set1_pd(1.0);
  double out[4];
  while (go_on()) {
    for (int i = 0; i < 100; ++i) x = _mm256_add_pd(_mm256_mul_pd(x, _mm256_set1_pd(0.999)), _mm256_set1_pd(0.1));
    _mm256_storeu_pd(out, x);
    sink = out[0];
  }
}

[[gnu::target("avx512f")]] void use_wider_vectors() {
  __m512d x = _mm512_set1_pd(1.0);
  double out[8];
  while (go_on()) {
    for (int i = 0; i < 100; ++i) x = _mm512_add_pd(_mm512_mul_pd(x, _mm512_set1_pd(0.999)), _mm512_set1_pd(0.1));
    _mm512_storeu_pd(out, x);
    sink = out[0];
  }
}
void use_the_widest_vectors() {
  if (__builtin_cpu_supports("avx512f")) return use_wider_vectors();
  if (__builtin_cpu_supports("avx2")) return use_wide_vectors();
  spin_on_doubles();
}

void fill_x87() {
  long double x = 0.1L;
  while (go_on()) {
    x = sinl(x) + cosl(x * 1.7L) + x / 3;
    sink = static_cast<double>(x);
  }
}

void round_upwards() {
  double x = 0.1;
  while (go_on()) {
    std::fesetround(FE_UPWARD);
    for (int i = 0; i < 100; ++i) x = std::sqrt(x + 1.0 / 3);
    sink = x;
  }
}

}  // namespace

std::mutex& shared_mutex_of_tasks() {
  static std::mutex m;
  return m;
}

std::span<const workload> stoppable_workloads() {
  static const workload all[] = {
      {"Spin", spin_on_doubles},
      {"FiftyFrames", fifty_frames},
      {"Mathematics", mathematics},
      {"Copy", copy},
      {"Sort", sort},
      {"ReadClock", read_clock},
      {"Allocate", allocate},
      {"BuildMaps", build_maps},
      {"SortStrings", sort_strings},
      {"LockHalfOfTheTime", lock_half_of_the_time},
      {"LockShared", lock_shared},
      {"WaitForACondition", wait_for_a_condition},
      {"SpinLockOfOnesOwn", spin_lock_of_ones_own},
      {"PrintToMemory", print_to_memory},
      {"CallTheKernel", call_the_kernel},
      {"SortByCallback", sort_by_callback},
      {"SortByACallbackThatIsInALibrary", sort_by_a_callback_that_is_in_a_library},
      {"SortLargeElements", sort_large_elements},
      {"SortPastTheCalls", sort_past_the_calls},
      {"ThrowAndCatch", throw_and_catch},
      {"ThrowThroughC", throw_through_c},
      {"RethrowUnderALock", rethrow_under_a_lock},
      {"BlockedRead", blocked_read},
      {"PollAndSleep", poll_and_sleep},
      {"Stream", stream},
      {"StreamWithLocale", stream_with_locale},
      {"SearchByRegex", search_by_regex},
      {"InitialiseStatics", initialise_statics},
      {"AllocateOnTheStack", allocate_on_the_stack},
      {"UseTheWidestVectors", use_the_widest_vectors},
      {"FillX87", fill_x87},
      {"RoundUpwards", round_upwards},
  };
  return all;
}

std::ostream& operator<<(std::ostream& to, const workload& w) { return to << w.name; }

}  // namespace workit::test
