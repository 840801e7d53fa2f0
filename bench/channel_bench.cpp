// Channels and locks between fibers, beside Boost.Fiber's in the same run.
#include <benchmark/benchmark.h>

#include <boost/fiber/all.hpp>
#include <thread>
#include <workit/channel.hpp>
#include <workit/mutex.hpp>
#include <workit/runtime.hpp>
#include <workit/semaphore.hpp>

namespace {

constexpr std::size_t capacity = 64;  // boost's has to be a power of two, and holds one less
constexpr int batch = 10'000;

void floor_boost_channel(benchmark::State& state) {
  for (auto _ : state) {
    boost::fibers::buffered_channel<int> values(capacity);
    boost::fibers::fiber producer([&] {
      for (int i = 0; i < batch; ++i) values.push(i);
      values.close();
    });
    int got = 0;
    for (int value = 0; values.pop(value) == boost::fibers::channel_op_status::success;) got += value & 1;
    producer.join();
    benchmark::DoNotOptimize(got);
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(floor_boost_channel);

/// Between two fibers of a loop.
void channel_one_thread(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      const workit::channel<int> values({.capacity = static_cast<std::size_t>(state.range(0))});
      s.spawn([values] {
        for (int i = 0; i < batch; ++i) values.send(i);
        values.close();
      });
      int got = 0;
      while (const auto value = values.receive()) got += *value & 1;
      benchmark::DoNotOptimize(got);
    }
  });
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(channel_one_thread)->Arg(capacity)->Arg(1);

/// From a foreign thread to a fiber.
void channel_two_threads(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope&) {
    for (auto _ : state) {
      const workit::channel<int> values({.capacity = capacity});
      const std::jthread producer([values] {
        for (int i = 0; i < batch; ++i) values.send(i);
        values.close();
      });
      int got = 0;
      while (const auto value = values.receive()) got += *value & 1;
      benchmark::DoNotOptimize(got);
    }
  });
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(channel_two_threads)->UseRealTime();

void floor_boost_mutex(benchmark::State& state) {
  boost::fibers::mutex m;
  for (auto _ : state) {
    m.lock();
    m.unlock();
  }
}
BENCHMARK(floor_boost_mutex);

void mutex_lock_unlock(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope&) {
    workit::mutex m;
    for (auto _ : state) {
      m.lock();
      m.unlock();
    }
  });
}
BENCHMARK(mutex_lock_unlock);

void semaphore_acquire_release(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope&) {
    workit::semaphore permits(1);
    for (auto _ : state) {
      permits.acquire();
      permits.release();
    }
  });
}
BENCHMARK(semaphore_acquire_release);

}  // namespace
