// Times calls across the boundaries.
#include "calls.hpp"

#include <cstring>
#include <memory>
#include <vector>
#include <workit/workit.hpp>

#include "stopwatch.hpp"

namespace workit::bench {
namespace {

constexpr int warm_up = 20;

std::uint64_t size_of(const std::vector<std::byte>& bytes) { return bytes.size(); }
std::uint64_t size_of_shared(shared_buffer bytes) { return bytes.size(); }

template <class Call>
samples timed(std::unique_ptr<service> pool, int n, Call call) {
  runtime rt({}, std::move(pool));
  samples all;
  rt.run([&](scope& s) {
    for (int i = -warm_up; i < n; ++i) {
      const stopwatch watch;
      call(s);
      if (i >= 0) all.push_back(watch.elapsed());
    }
  });
  return all;
}

std::unique_ptr<service> pool_for(boundary where) {
  if (where == boundary::process) return processes({.workers = 1, .spares = 0});
  if (where == boundary::thread) return threads({.threads = 1});
  return arena({.threads = 1});
}

}  // namespace

samples round_trips(boundary where, int n) {
  const auto add = offload(
      {.boundary = where}, [](int a, int b) { return a + b; }, 1, 2);
  return timed(pool_for(where), n, [&](scope& s) { return add(s); });
}

samples first_results(int n) {
  const auto one = offload({}, [] { return 1; });
  samples all;
  for (int i = 0; i < n; ++i) {
    const stopwatch watch;
    runtime rt({}, pool_for(boundary::process));
    rt.run([&](scope& s) {
      one(s);
      all.push_back(watch.elapsed());
    });
  }
  return all;
}

samples round_trips(passing how, std::size_t bytes, int n) {
  if (how == passing::by_value) {
    const std::vector<std::byte> payload(bytes, std::byte{1});
    return timed(pool_for(boundary::process), n, [&](scope& s) { return offload({}, size_of, payload)(s); });
  }
  shared_buffer payload(bytes);
  std::memset(payload.write().data(), 1, bytes);
  payload.seal();
  return timed(pool_for(boundary::process), n, [&](scope& s) { return offload({}, size_of_shared, payload)(s); });
}

}  // namespace workit::bench
