// workit_workload_bare, _interposed, _forwarded: ordinary work, in a program as it is, in the same one linked with
// workit::preempt_thread, and in one with forwarded_malloc.cpp. Prints the nanoseconds that a turn of the named work
// takes, the median of its batches.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <regex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#ifdef WORKIT_BENCH_ENCODER
#include <search/encoder.hpp>
#endif

namespace {

using machine = std::chrono::steady_clock;

/// Keeps the compiler from removing a result that is never read.
template <class T>
void use(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

void allocate_and_free() {
  void* p = std::malloc(64);
  use(p);
  std::free(p);
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
void lock_and_unlock() {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
}

void search_by_regex() {
  static const std::regex wanted("([a-z]+)@([a-z]+\\.)+(com|org)");
  static const std::string text = [] {
    std::string all;
    for (int i = 0; i < 40; ++i) all += "line " + std::to_string(i) + " has nobody, ";
    return all + "but someone@mail.example.org does";
  }();
  std::smatch found;
  bool has = std::regex_search(text, found, wanted);
  use(has);
}

void parse_json() {
  static const std::string text = [] {
    nlohmann::json all;
    for (int i = 0; i < 100; ++i)
      all.push_back({{"id", i}, {"name", "user " + std::to_string(i)}, {"scores", {i * 0.5, i, 3.25}}, {"on", true}});
    return all.dump();
  }();
  const auto parsed = nlohmann::json::parse(text);
  use(parsed);
}

#ifdef WORKIT_BENCH_ENCODER
void encode() {
  static const chat::encoder model(std::getenv("CHAT_MODEL_DIR"));
  const auto vector = model.embed("how long does a stop take when nobody looks at the clock?");
  use(vector);
}
#endif

using turn = void (*)();

turn find(std::string_view name) {
  if (name == "malloc_free") return allocate_and_free;
  if (name == "lock_unlock") return lock_and_unlock;
  if (name == "regex") return search_by_regex;
  if (name == "json") return parse_json;
#ifdef WORKIT_BENCH_ENCODER
  if (name == "encoder" && std::getenv("CHAT_MODEL_DIR") != nullptr) return encode;
#endif
  return nullptr;
}

/// Nanoseconds a turn, of that many.
double batch(turn work, long turns) {
  const auto began = machine::now();
  for (long i = 0; i < turns; ++i) work();
  return std::chrono::duration<double, std::nano>(machine::now() - began).count() / static_cast<double>(turns);
}

}  // namespace

int main(int argc, char** argv) {
  const turn work = argc == 2 ? find(argv[1]) : nullptr;
  if (work == nullptr) {
    std::fprintf(stderr, "%s malloc_free | lock_unlock | regex | json | encoder (with CHAT_MODEL_DIR)\n", argv[0]);
    return 2;
  }
  // libc is faster in a process of one thread, which no server is.
  std::mutex of_the_other;
  std::condition_variable_any never;
  const std::jthread other([&](const std::stop_token& stop) {
    std::unique_lock lock(of_the_other);
    never.wait(lock, stop, [] { return false; });
  });
  constexpr double enough_ns = 10e6;
  long turns = 1;
  while (batch(work, turns) * static_cast<double>(turns) < enough_ns) turns *= 2;
  std::vector<double> each;
  for (int i = 0; i < 25; ++i) each.push_back(batch(work, turns));
  std::ranges::nth_element(each, each.begin() + 12);
  std::printf("%.17g\n", each[12]);
}
