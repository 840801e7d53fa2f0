// The victims, each an endless loop.
#include "victims.hpp"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>

namespace workit::bench {
namespace {

using ready = const std::function<void()>&;

/// Keeps the compiler from removing a result that is never read.
template <class T>
void use(T& value) {
  asm volatile("" : "+m"(value) : : "memory");
}

void spin(ready be_ready, shared_page&) {
  be_ready();
  for (double x = 1;; use(x)) x = x * 1.0000001 + 0.1;
}

void mathematics(ready be_ready, shared_page&) {
  be_ready();
  for (double x = 0.1;; use(x)) x = std::sin(x) + std::exp(-x) * std::cos(x);
}

std::vector<double> numbers(20000);
void sort(ready be_ready, shared_page&) {
  be_ready();
  for (std::mt19937 random(1);;) {
    for (auto& x : numbers) x = random();
    std::sort(numbers.begin(), numbers.end());
  }
}

char large[2][1 << 20];
void copy(ready be_ready, shared_page&) {
  be_ready();
  for (;; use(large)) std::memcpy(large[0], large[1], sizeof large[0]);
}

void allocate(ready be_ready, shared_page&) {
  be_ready();
  void* blocks[64]{};
  for (unsigned random = 1;;) {
    random = random * 1664525 + 1013904223;
    auto*& block = blocks[(random >> 10) & 63];
    std::free(block);
    block = std::malloc(16 + ((random >> 16) & 1023));
  }
}

void some_turns() {
  for (int i = 0; i < 200; ++i) use(i);
}

std::mutex mutex;
void lock(ready be_ready, shared_page&) {
  be_ready();
  for (;;) {
    {
      const std::lock_guard guard(mutex);
      some_turns();
    }
    some_turns();
  }
}

void throw_and_catch(ready be_ready, shared_page&) {
  be_ready();
  for (;;) try {
      throw 1;
    } catch (int) {
      some_turns();
    }
}

void print(ready be_ready, shared_page&) {
  be_ready();
  char text[256];
  for (int i = 0;; ++i) std::snprintf(text, sizeof text, "%d %f %s", i, i * 0.37, "hello");
}

void system_call(ready be_ready, shared_page&) {
  be_ready();
  for (;;) syscall(SYS_getppid);
}

void blocked_read(ready be_ready, shared_page&) {
  const int nothing = eventfd(0, EFD_CLOEXEC);
  be_ready();
  for (std::uint64_t value;;) (void)!read(nothing, &value, sizeof value);
}

void fill_thread_locals(ready be_ready, shared_page&) {
  thread_local std::vector<int> kept;
  be_ready();
  for (;; use(kept)) {
    kept.push_back(1);
    if (kept.size() > 1000) kept.clear();
  }
}

void stamp(ready be_ready, shared_page& page) {
  be_ready();
  for (;;) page.stamp.store(std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace

const std::vector<victim>& victims() {
  static const std::vector<victim> list{
      {"spin", spin},
      {"mathematics", mathematics},
      {"sort", sort},
      {"copy", copy},
      {"allocate", allocate},
      {"lock", lock},
      {"throw", throw_and_catch},
      {"print", print},
      {"system_call", system_call},
      {"thread_locals", fill_thread_locals, true, true},
      {"stamp", stamp},
      {"blocked_read", blocked_read, false},
  };
  return list;
}

const victim& find_victim(std::string_view name) {
  std::string known;
  for (const auto& v : victims()) {
    if (v.name == name) return v;
    known += (known.empty() ? "" : ", ") + std::string(v.name);
  }
  throw std::invalid_argument("there is no victim '" + std::string(name) + "'; there are " + known);
}

}  // namespace workit::bench
