// Stops at the thread boundary: kick to the task's last instruction, and from there to the next task on the same
// thread, beside a bare signal to a thread like it; and what the interposed calls cost where nothing is stopped.
//
// Run it on a machine with nothing else to do and two processors at least: one kicks, one is kicked.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <workit/preempt/stoppable_thread.hpp>

namespace {

using namespace workit;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using work = void (*)();

constexpr int stops = 3000;

// --- What is stopped: none of it ends by itself ----------------------------------------------------------------------

void spin() {
  for (double x = 1;; benchmark::DoNotOptimize(x)) x = x * 1.0000001 + 0.1;
}

void mathematics() {
  for (double x = 0.1;; benchmark::DoNotOptimize(x)) x = std::sin(x) + std::exp(-x) * std::cos(x);
}

std::vector<double> numbers(20000);
void sort() {
  for (std::mt19937 g(1);;) {
    for (auto& x : numbers) x = g();
    std::sort(numbers.begin(), numbers.end());
  }
}

char large[2][1 << 20];
void copy() {
  for (;;) {
    std::memcpy(large[0], large[1], sizeof large[0]);
    asm volatile("" ::: "memory");
  }
}

void allocate() {
  void* blocks[64]{};
  for (unsigned r = 1;;) {
    r = r * 1664525 + 1013904223;
    auto*& b = blocks[(r >> 10) & 63];
    std::free(b);
    b = std::malloc(16 + ((r >> 16) & 1023));
  }
}

std::mutex mutex;
void lock() {
  for (;;) {
    {
      const std::lock_guard guard(mutex);
      for (int i = 0; i < 200; ++i) benchmark::DoNotOptimize(i);
    }
    for (int i = 0; i < 200; ++i) benchmark::DoNotOptimize(i);
  }
}

void throw_and_catch() {
  for (;;) try {
      throw 1;
    } catch (int) {
      for (int i = 0; i < 200; ++i) benchmark::DoNotOptimize(i);
    }
}

void print() {
  char text[256];
  for (int i = 0;; ++i) std::snprintf(text, sizeof text, "%d %f %s", i, i * 0.37, "hello");
}

// --- Measuring ------------------------------------------------------------------------------------------------------

double percentile(const std::vector<double>& sorted, double p) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

/// Of the floor, in microseconds: what the others are compared to.
double floor_p50 = 0, floor_p99 = 0;

/// As counters in microseconds: a mean says nothing of a stop.
void report(benchmark::State& state, std::vector<double> us, const std::string& prefix = "") {
  std::sort(us.begin(), us.end());
  state.counters[prefix + "p50_us"] = percentile(us, 0.50);
  state.counters[prefix + "p90_us"] = percentile(us, 0.90);
  state.counters[prefix + "p99_us"] = percentile(us, 0.99);
}

double us_between(clock_type::time_point a, clock_type::time_point b) {
  return std::chrono::duration<double, std::micro>(b - a).count();
}

void wait_up_to_100us(std::mt19937& random) {
  const auto until = clock_type::now() + std::chrono::nanoseconds(10'000 + random() % 90'000);
  while (clock_type::now() < until) {
  }
}

std::atomic<std::int64_t> handled_at{0};

void floor_signal_to_handler(benchmark::State& state) {
  struct sigaction handle {};
  handle.sa_handler = [](int) { handled_at = clock_type::now().time_since_epoch().count(); };
  sigaction(SIGUSR1, &handle, nullptr);
  std::atomic<pid_t> id{0};
  std::atomic<bool> over{false};
  std::thread target([&] {
    id = static_cast<pid_t>(syscall(SYS_gettid));
    while (!over) {
    }
  });
  while (id == 0) {
  }
  std::mt19937 random(1);
  std::vector<double> samples;
  for (auto _ : state) {
    wait_up_to_100us(random);
    handled_at = 0;
    const auto began = clock_type::now();
    syscall(SYS_tgkill, getpid(), id.load(), SIGUSR1);
    while (handled_at == 0) {
    }
    samples.push_back(us_between(began, clock_type::time_point(clock_type::duration(handled_at))));
    state.SetIterationTime(samples.back() * 1e-6);
  }
  over = true;
  target.join();
  std::sort(samples.begin(), samples.end());
  floor_p50 = percentile(samples, 0.50);
  floor_p99 = percentile(samples, 0.99);
  report(state, std::move(samples));
}
BENCHMARK(floor_signal_to_handler)->Iterations(stops)->UseManualTime();

/// A thread that runs the work until it is stopped, and then a task that says when it began.
class victim {
 public:
  explicit victim(work what) : what_(what), thread_([this] { serve(); }) {
    while (on_ == nullptr) {
    }
  }
  ~victim() {
    over_ = true;
    ++asked_;
    thread_.join();
  }
  victim(const victim&) = delete;
  victim& operator=(const victim&) = delete;

  struct times {
    clock_type::time_point kicked, stopped, next;
    leaving at;
  };
  times stop_once(std::mt19937& random) {
    number_ = preempt::next_task_number();
    running_ = false;
    const int mine = ++asked_;
    while (!running_) {
    }
    wait_up_to_100us(random);
    times t{clock_type::now(), {}, {}, {}};
    auto again = t.kicked;
    for (auto pause = 60us; done_ != mine;) {
      if (clock_type::now() < again) continue;
      on_.load()->kick(number_);
      again = clock_type::now() + pause;
      pause = std::min<std::chrono::microseconds>(pause * 2, 2000us);
    }
    t.stopped = end_.stopped;
    t.next = next_;
    t.at = end_.how.at;
    return t;
  }

 private:
  void serve() {
    preempt::stoppable_thread here;
    on_ = &here;
    for (int round = 1;; ++round) {
      while (asked_ != round) {
      }
      if (over_) return;
      const auto begin = [](void* to) {
        static_cast<victim*>(to)->running_ = true;
        static_cast<victim*>(to)->what_();
      };
      end_ = here.run(number_, {}, begin, this);
      const auto follow = [](void* to) { static_cast<victim*>(to)->next_ = clock_type::now(); };
      here.run(preempt::next_task_number(), {}, follow, this);
      done_ = round;
    }
  }

  const work what_;
  std::atomic<preempt::stoppable_thread*> on_{nullptr};
  std::atomic<bool> running_{false}, over_{false};
  std::atomic<int> asked_{0}, done_{0};
  std::uint64_t number_ = 0;
  preempt::run_end end_{};
  clock_type::time_point next_{};
  std::thread thread_;
};

void stop(benchmark::State& state, work what) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) return state.SkipWithError(why.c_str());
  victim v(what);
  std::mt19937 random(1);
  std::vector<double> stopped, next;
  for (auto _ : state) {
    const auto t = v.stop_once(random);
    stopped.push_back(us_between(t.kicked, t.stopped));
    next.push_back(us_between(t.stopped, t.next));
    state.SetIterationTime(stopped.back() * 1e-6);
  }
  std::sort(stopped.begin(), stopped.end());
  if (floor_p50 > 0) {
    state.counters["p50_by_floor"] = percentile(stopped, 0.50) / floor_p50;
    state.counters["p99_by_floor"] = percentile(stopped, 0.99) / floor_p99;
  }
  report(state, std::move(stopped));
  report(state, std::move(next), "next_");
}
#define WORKIT_STOP(name) BENCHMARK_CAPTURE(stop, name, name)->Iterations(stops)->UseManualTime()
WORKIT_STOP(spin);
WORKIT_STOP(mathematics);
WORKIT_STOP(sort);
WORKIT_STOP(copy);
WORKIT_STOP(allocate);
WORKIT_STOP(lock);
WORKIT_STOP(throw_and_catch);
WORKIT_STOP(print);

// --- The cost where nothing is stopped
// --------------------------------------------------------------------------------

/// libc's own, behind the interposed one.
template <class Function>
Function* behind(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

using malloc_call = void*(std::size_t);
using free_call = void(void*);
using mutex_call = int(pthread_mutex_t*);

// Through pointers, both of them: what is compared is what is behind.
void malloc_and_free(benchmark::State& state, malloc_call* take, free_call* give) {
  benchmark::DoNotOptimize(take);
  benchmark::DoNotOptimize(give);
  for (auto _ : state) {
    void* const p = take(64);
    benchmark::DoNotOptimize(p);
    give(p);
  }
}
BENCHMARK_CAPTURE(malloc_and_free, bare, behind<malloc_call>("malloc"), behind<free_call>("free"));
BENCHMARK_CAPTURE(malloc_and_free, interposed, std::malloc, std::free);

void lock_and_unlock(benchmark::State& state, mutex_call* take, mutex_call* give) {
  benchmark::DoNotOptimize(take);
  benchmark::DoNotOptimize(give);
  pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
  for (auto _ : state) {
    take(&m);
    give(&m);
  }
}
BENCHMARK_CAPTURE(lock_and_unlock, bare, behind<mutex_call>("pthread_mutex_lock"),
                  behind<mutex_call>("pthread_mutex_unlock"));
BENCHMARK_CAPTURE(lock_and_unlock, interposed, pthread_mutex_lock, pthread_mutex_unlock);

}  // namespace

BENCHMARK_MAIN();
