// A byte to and fro over a socket pair: fibers that await Asio, beside Asio's own callbacks, and bare fibers.
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/scheduler.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"

namespace workit::bench {
namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;
constexpr int trips = 1000;

/// One end of the pair: `trips` bytes to and as many back.
struct by_callbacks {
  socket_type& socket;
  bool begins;
  int read_so_far = 0;
  std::array<char, 1> byte{};

  void read() {
    socket.async_read_some(asio::buffer(byte), [this](boost::system::error_code failed, std::size_t) {
      ++read_so_far;
      if (!failed && (!begins || read_so_far < trips)) write();
    });
  }
  void write() {
    socket.async_write_some(asio::buffer(byte), [this](boost::system::error_code failed, std::size_t) {
      if (!failed && (begins || read_so_far < trips)) read();
    });
  }
};

void asio_callbacks(benchmark::State& state) {
  asio::io_context io;
  socket_type a(io), b(io);
  asio::local::connect_pair(a, b);
  for (auto _ : state) {
    by_callbacks here{a, true}, there{b, false};
    here.write();
    there.read();
    io.restart();
    std::thread([&io] {
      io.run();
    }).join();  // a server has threads, and each system call on a descriptor counts it then
  }
  items(state, trips);
}

/// The least that makes Boost.Fiber and Asio take turns: no scope, no cancellation, no deadline, no other threads.
class bare_turns final : public boost::fibers::algo::algorithm {
 public:
  explicit bare_turns(asio::io_context& io) noexcept : io_(io) {}
  void awakened(boost::fibers::context* fiber) noexcept override { fiber->ready_link(ready_); }
  boost::fibers::context* pick_next() noexcept override {
    if (ready_.empty()) return nullptr;
    auto* const next = &ready_.front();
    ready_.pop_front();
    return next;
  }
  [[nodiscard]] bool has_ready_fibers() const noexcept override { return !ready_.empty(); }
  void suspend_until(const std::chrono::steady_clock::time_point&) noexcept override { io_.run_one(); }
  void notify() noexcept override {}

 private:
  asio::io_context& io_;
  boost::fibers::scheduler::ready_queue_type ready_;
};

/// Starts an operation and suspends the fiber until its handler has run.
template <class Start>
void await_bare(Start start) {
  auto* const self = boost::fibers::context::active();
  start([self](boost::system::error_code, std::size_t) { boost::fibers::context::active()->schedule(self); });
  self->suspend();
}

void bare_fibers(benchmark::State& state) {
  std::thread([&state] {
    asio::io_context io;
    const auto work = asio::make_work_guard(io);
    boost::fibers::use_scheduling_algorithm<bare_turns>(io);
    socket_type a(io), b(io);
    asio::local::connect_pair(a, b);
    for (auto _ : state) {
      boost::fibers::fiber there([&b] {
        std::array<char, 1> byte{};
        for (int i = 0; i < trips; ++i) {
          await_bare([&](auto handler) { b.async_read_some(asio::buffer(byte), handler); });
          await_bare([&](auto handler) { b.async_write_some(asio::buffer(byte), handler); });
        }
      });
      std::array<char, 1> byte{};
      for (int i = 0; i < trips; ++i) {
        await_bare([&](auto handler) { a.async_write_some(asio::buffer(byte), handler); });
        await_bare([&](auto handler) { a.async_read_some(asio::buffer(byte), handler); });
      }
      there.join();
    }
  }).join();
  items(state, trips);
}

void fibers(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    socket_type a(executor(s)), b(executor(s));
    asio::local::connect_pair(a, b);
    for (auto _ : state)
      s.scope([&](scope& inner) {
        inner.spawn([&b] {
          std::array<char, 1> byte{};
          for (int i = 0; i < trips; ++i) {
            b.async_read_some(asio::buffer(byte), use_fiber);
            b.async_write_some(asio::buffer(byte), use_fiber);
          }
        });
        std::array<char, 1> byte{};
        for (int i = 0; i < trips; ++i) {
          a.async_write_some(asio::buffer(byte), use_fiber);
          a.async_read_some(asio::buffer(byte), use_fiber);
        }
      });
  });
  items(state, trips);
}

}  // namespace

void add_sockets() {
  timed("floor/asio_callback/socket_pair", "", asio_callbacks);
  timed("floor/boost_fiber/socket_pair", "floor/asio_callback/socket_pair", bare_fibers);
  timed("use_fiber/socket_pair", "floor/asio_callback/socket_pair", fibers);
}

}  // namespace workit::bench
