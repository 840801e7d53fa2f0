// Channels and locks between fibers, beside Boost.Fiber's in the same run.
#include <boost/fiber/all.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>
#include <workit/wait/channel.hpp>
#include <workit/wait/mutex.hpp>
#include <workit/wait/semaphore.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"

namespace workit::bench {
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
  items(state, batch);
}

/// Between two fibers of a loop.
void channel_one_thread(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state) {
      const channel<int> values({.capacity = static_cast<std::size_t>(state.range(0))});
      s.spawn([values] {
        for (int i = 0; i < batch; ++i) values.send(i);
        values.close();
      });
      int got = 0;
      while (const auto value = values.receive()) got += *value & 1;
      benchmark::DoNotOptimize(got);
    }
  });
  items(state, batch);
}

/// From a foreign thread to a fiber.
void channel_two_threads(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope&) {
    for (auto _ : state) {
      const channel<int> values({.capacity = capacity});
      const std::jthread producer([values] {
        for (int i = 0; i < batch; ++i) values.send(i);
        values.close();
      });
      int got = 0;
      while (const auto value = values.receive()) got += *value & 1;
      benchmark::DoNotOptimize(got);
    }
  });
  items(state, batch);
}

void floor_boost_mutex(benchmark::State& state) {
  boost::fibers::mutex m;
  for (auto _ : state) {
    m.lock();
    m.unlock();
  }
}

void mutex_lock_unlock(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope&) {
    workit::mutex m;
    for (auto _ : state) {
      m.lock();
      m.unlock();
    }
  });
}

void semaphore_acquire_release(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope&) {
    workit::semaphore permits(1);
    for (auto _ : state) {
      permits.acquire();
      permits.release();
    }
  });
}

}  // namespace

void add_channels() {
  timed("floor/boost_fiber/buffered_channel/64", "", floor_boost_channel);
  timed("channel", "floor/boost_fiber/buffered_channel", channel_one_thread, capacity);
  timed("channel_of_one", "", channel_one_thread, 1);
  timed("channel_two_threads", "", channel_two_threads);
  timed("floor/boost_fiber/mutex", "", floor_boost_mutex);
  timed("mutex", "floor/boost_fiber/mutex", mutex_lock_unlock);
  timed("semaphore", "floor/boost_fiber/mutex", semaphore_acquire_release);
}

}  // namespace workit::bench
