// A host for tests: a warden, one loop that collects results, and a pool.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <support/telling_listener.hpp>
#include <thread>
#include <workit/preempt/warden.hpp>
#include <workit/workers/detail/job.hpp>
#include <workit/workers/process_pool.hpp>

namespace workit::test {

using namespace std::chrono_literals;

/// Waits until `done()` is true, without a limit: the test runner has the only one.
template <class Predicate>
void wait_until(Predicate done) {
  while (!done()) std::this_thread::sleep_for(200us);
}

/// A job that can be waited for.
class awaited_job final : public workers::job {
 public:
  using job::job;
  void settled() noexcept override {
    const std::lock_guard guard(mutex_);
    ++times_settled_;
    at_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }
  /// Blocks: until it is settled.
  const workers::job_result& wait() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return times_settled_ > 0; });
    return result;
  }
  [[nodiscard]] bool is_settled() {
    const std::lock_guard guard(mutex_);
    return times_settled_ > 0;
  }
  [[nodiscard]] int times_settled() {
    const std::lock_guard guard(mutex_);
    return times_settled_;
  }
  [[nodiscard]] time_point settled_at() {
    const std::lock_guard guard(mutex_);
    return at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_settled_ = 0;
  time_point at_{};
};

using job_ptr = std::shared_ptr<awaited_job>;

/// Members in the order in which they come to be; the pool ends first.
class pool_host {
 public:
  explicit pool_host(process_options options = {.workers = 2})
      : pool(std::move(options), warden, {event_.descriptor}, [this](std::size_t) { wake(); }) {
    pool.start();
    loop_ = std::thread([this] { turn(); });
  }
  ~pool_host() {
    pool.stop();
    over_ = true;
    wake();
    loop_.join();
  }
  pool_host(const pool_host&) = delete;
  pool_host& operator=(const pool_host&) = delete;

  cancel_cell::ptr make_cell() { return cancel_cell::make(nullptr, std::make_shared<telling_listener>(warden)); }

  template <class F, class... A>
  job_ptr make_job_on(workers::job_terms terms, F&& fn, A&&... args) {
    return std::make_shared<awaited_job>(
        make_cell(), "test", workers::make_remote_call(std::forward<F>(fn), std::forward<A>(args)...), terms);
  }
  template <class F, class... A>
  job_ptr make_job(F&& fn, A&&... args) {
    return make_job_on({}, std::forward<F>(fn), std::forward<A>(args)...);
  }
  template <class F, class... A>
  job_ptr submit(F&& fn, A&&... args) {
    auto task = make_job(std::forward<F>(fn), std::forward<A>(args)...);
    pool.submit(task);
    return task;
  }
  /// The value of a call. Errors: std::bad_variant_access when it ended otherwise.
  template <class F, class... A>
  auto call(F&& fn, A&&... args) {
    using R = workers::result_of<F, A...>;
    const auto task = submit(std::forward<F>(fn), std::forward<A>(args)...);
    return workers::read_result<R>(std::get<workers::job_value>(task->wait()).encoded);
  }
  /// All workers are there, none is dying.
  void wait_until_whole() {
    wait_until([&] {
      const auto s = pool.status();
      return s.starting == 0 && s.unreclaimed == 0 && s.busy == 0 && s.queued == 0;
    });
  }

 private:
  void turn() {
    pollfd readable{event_.descriptor, POLLIN, 0};
    while (!over_) {
      poll(&readable, 1, -1);
      std::uint64_t n = 0;
      if (read(event_.descriptor, &n, sizeof n) == sizeof n) pool.collect(0);
    }
  }

  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = write(event_.descriptor, &one, sizeof one);
  }

  struct event {
    const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ~event() { close(descriptor); }
  };
  const event event_;
  std::atomic<bool> over_{false};
  std::thread loop_;

 public:
  preempt::warden warden;
  workers::process_pool pool;
};

/// Why a pool with these options does not start; empty when it does.
inline std::string start_sentence(process_options options) {
  try {
    pool_host host(std::move(options));
  } catch (const start_failed& e) {
    return e.what();
  }
  return {};
}

}  // namespace workit::test
