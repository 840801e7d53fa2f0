// stopping_fixture: see the header.
#include "stopping_fixture.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>
#include <workit/base/assert.hpp>

#include "workloads.hpp"

namespace workit::test {

std::atomic<bool> let_out{false};
std::atomic<int> survivors_checked{0};

namespace {
constexpr unsigned looks_of_a_refusal = 500;
}

void check_survivors() {
  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) words.push_back(std::to_string(i * 37) + std::string(40, 'x'));
  std::sort(words.begin(), words.end());
  char text[128];
  std::snprintf(text, sizeof text, "%.3f %s", 1.5, "through stdio");
  WORKIT_ASSERT(std::strcmp(text, "1.500 through stdio") == 0, "snprintf is broken after a stop");
  try {
    throw std::runtime_error("thrown");
  } catch (const std::exception& e) {
    WORKIT_ASSERT(std::strcmp(e.what(), "thrown") == 0, "an exception is broken after a stop");
  }
  WORKIT_ASSERT(std::uncaught_exceptions() == 0, "a stop has left an exception uncaught");
  WORKIT_ASSERT(std::current_exception() == nullptr, "a stop has left an exception caught");
  shared_mutex_of_tasks().lock();
  shared_mutex_of_tasks().unlock();
  WORKIT_ASSERT(std::fegetround() == FE_TONEAREST, "a stop has left another rounding of the x87 unit");
  WORKIT_ASSERT(_MM_GET_ROUNDING_MODE() == _MM_ROUND_NEAREST, "a stop has left another rounding of the SSE unit");
  // Through the x87 unit too, whose stack a stop may have left full.
  volatile long double large = 0.5L;
  volatile double x = 0.5;
  WORKIT_ASSERT(std::fabs(std::sin(x) - 0.479425538604203) < 1e-12, "floating point is broken after a stop");
  WORKIT_ASSERT(std::fabs(static_cast<double>(sinl(large)) - 0.479425538604203) < 1e-12, "x87 is broken after a stop");
  ++survivors_checked;
}

void wait_randomly(std::mt19937_64& random, std::chrono::microseconds most) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::nanoseconds(random() % static_cast<std::uint64_t>(most.count() * 1000));
  while (std::chrono::steady_clock::now() < until) {
  }
}

stopping_fixture::~stopping_fixture() {
  leaving_ = true;
  enter(state::asked);
  thread_.join();
}

void stopping_fixture::start_thread() {
  if (thread_.joinable()) thread_.join();
  ++threads_;
  retires_ = false;
  enter(state::idle);
  std::atomic<bool> ready{false};
  thread_ = std::thread([this, &ready] {
    preempt::stoppable_thread here(options_);
    on_ = &here;
    ready = true;
    ready.notify_all();
    serve();
  });
  ready.wait(false);
}

void stopping_fixture::serve() {
  for (;;) {
    while (state_.load(std::memory_order_acquire) != state::asked) std::this_thread::yield();
    if (leaving_) return;
    struct begun {
      stopping_fixture* fixture;
    } me{this};
    end_ = on_->run(
        number_, until_,
        [](void* to) {
          auto* const fixture = static_cast<begun*>(to)->fixture;
          fixture->state_.store(state::running, std::memory_order_release);
          fixture->body_();
        },
        &me);
    if (end_.left && !end_.spoilt) check_survivors();
    const bool spoilt = end_.left && end_.spoilt;
    enter(state::ended);
    if (!spoilt) continue;
    retires_.wait(false);  // until then it may still be kicked
    on_->end_thread([] {});
  }
}

void stopping_fixture::start(task_body body, deadline_point until) {
  let_out = false;
  body_ = body;
  until_ = until;
  number_ = preempt::next_task_number();
  enter(state::asked);
  while (state_.load(std::memory_order_acquire) == state::asked) std::this_thread::yield();
}

stopped_task stopping_fixture::stop(std::chrono::milliseconds limit) {
  using namespace std::chrono_literals;
  const auto began = std::chrono::steady_clock::now();
  stopped_task result;
  std::chrono::microseconds pause = 60us;
  auto next = began;
  while (state_.load(std::memory_order_acquire) != state::ended) {
    const auto now = std::chrono::steady_clock::now();
    if (now - began > 1ms) std::this_thread::yield();  // the task may need this processor
    if (now >= next) {
      on_->kick(number_);
      next = now + pause;
      pause = std::min<std::chrono::microseconds>(pause * 2, 2ms);
    }
    // Time alone says nothing where the task was given no processor meanwhile, nor do kicks that were not taken.
    if (!let_out && now - began > limit && on_->signals() >= looks_of_a_refusal) {
      result.let_out = true;
      result.why_not = on_->why_not();
      let_out = true;
    }
  }
  const auto ended = wait();
  result.end = ended.end;
  return result;
}

stopped_task stopping_fixture::wait() {
  for (auto s = state_.load(); s != state::ended; s = state_.load()) state_.wait(s);
  stopped_task result{end_};
  if (end_.left && end_.spoilt) {
    retires_ = true;
    retires_.notify_all();
    start_thread();
  } else
    enter(state::idle);
  return result;
}

}  // namespace workit::test
