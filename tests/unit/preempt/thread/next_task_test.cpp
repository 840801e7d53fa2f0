// A stop does not affect the next task on the same thread: no signal of one task reaches the next.
#include <poll.h>
#include <sched.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "workloads.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

void spin_for(std::chrono::nanoseconds time) {
  const auto until = clock_type::now() + time;
  while (clock_type::now() < until) {
  }
}

void allocate_for(std::chrono::nanoseconds time) {
  const auto until = clock_type::now() + time;
  while (clock_type::now() < until) std::free(std::malloc(100));
}

/// The kick's: the first from the top that is handled.
int signal_of_kicks() {
  for (int s = SIGRTMAX; s >= SIGRTMIN; --s) {
    struct sigaction now {};
    if (sigaction(s, nullptr, &now) == 0 && now.sa_handler != SIG_DFL) return s;
  }
  return 0;
}

/// A thread that runs pairs of tasks: one that ends by itself after a time unless it is stopped first, and one that
/// would notice any signal.
class pairs {
 public:
  struct pair {
    std::chrono::nanoseconds length{};  ///< of the first
    std::chrono::nanoseconds limit{};   ///< of the first, by its timer; 0 for none
    bool allocates = false;             ///< the first: it ends when it sees the request, before the signal has come
    bool open = false;                  ///< whether the second's signals are let through on purpose
  };

  pairs() {
    thread_ = std::thread([this] { serve(); });
    while (on_.load() == nullptr) std::this_thread::yield();
  }
  ~pairs() {
    leaving_ = true;
    ++asked_;
    thread_.join();
    ::close(timer_);
  }
  pairs(const pairs&) = delete;
  pairs& operator=(const pairs&) = delete;

  /// Returns as the first begins, or when a limit has ended it before its first line.
  void start(pair p) {
    pair_ = p;
    number_ = preempt::next_task_number();
    began_ = false;
    ++asked_;
    while (!began_ && !is_done()) std::this_thread::yield();
  }
  bool kick() { return on_.load()->kick(number_); }
  [[nodiscard]] bool is_done() const { return done_ == asked_; }
  [[nodiscard]] bool in_second() const { return second_; }
  [[nodiscard]] pid_t id() const { return on_.load()->id(); }

  std::atomic<int> stopped{0}, interrupted{0}, refused_to_run{0};

 private:
  void serve() {
    preempt::stoppable_thread here;
    on_ = &here;
    for (int next = 1;; ++next) {
      while (asked_ != next) std::this_thread::yield();
      if (leaving_) return;
      const auto until = pair_.limit > 0ns ? deadline_point::in(pair_.limit, clock_type::now()) : deadline_point{};
      const auto first = here.run(
          number_, until,
          [](void* to) {
            auto* const self = static_cast<pairs*>(to);
            self->began_ = true;
            self->pair_.allocates ? allocate_for(self->pair_.length) : spin_for(self->pair_.length);
          },
          this);
      stopped += first.left ? 1 : 0;
      const auto second = here.run(
          preempt::next_task_number(), {},
          [](void* to) {
            auto* const self = static_cast<pairs*>(to);
            self->second_ = true;
            self->wait_in_every_way();
            self->second_ = false;
          },
          this);
      refused_to_run += second.left ? 1 : 0;
      done_ = next;
    }
  }

  void wait_in_every_way() {
    const timespec nap{0, pair_.open ? 2'000'000 : 30'000};
    note(::ppoll(nullptr, 0, &nap, nullptr));
    note(::nanosleep(&nap, nullptr));
    const itimerspec once{{}, nap};
    ::timerfd_settime(timer_, 0, &once, nullptr);
    std::uint64_t fired = 0;
    note(::read(timer_, &fired, sizeof fired));
  }
  void note(ssize_t result) { interrupted += result < 0 && errno == EINTR ? 1 : 0; }

  std::thread thread_;
  std::atomic<preempt::stoppable_thread*> on_{nullptr};
  std::atomic<bool> leaving_{false}, began_{false}, second_{false};
  std::atomic<int> asked_{0}, done_{0};
  std::uint64_t number_ = 0;
  const int timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  pair pair_{};
};

class NextTask : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  }
  std::chrono::nanoseconds up_to(std::chrono::nanoseconds most) {
    return std::chrono::nanoseconds(random_() % static_cast<std::uint64_t>(most.count()) + 1);
  }
  std::mt19937_64 random_{seed()};
  static constexpr int races = 5000;
  /// Every tenth race is a sure stop: where threads seldom run at once, a race of microseconds has one winner only.
  static constexpr int sure_stops = races / 10;
  static std::chrono::nanoseconds endless_in(int race, std::chrono::nanoseconds otherwise) {
    return race % 10 == 0 ? 1h : otherwise;
  }
};

TEST_F(NextTask, IsNeverHitByAStopThatRacesWithCompletion) {
  pairs on;
  std::uint64_t kicks_that_came_too_late = 0;  // billions on a busy machine
  for (int i = 0; i < races; ++i) {
    on.start({.length = endless_in(i, up_to(40us))});
    spin_for(up_to(60us));
    if (i % 10 == 5)  // certain to lose
      while (!on.in_second() && !on.is_done()) std::this_thread::yield();
    while (!on.is_done()) kicks_that_came_too_late += on.kick() ? 0 : 1;
  }
  EXPECT_EQ(on.interrupted, 0);
  EXPECT_EQ(on.refused_to_run, 0);
  // Both sides have won.
  EXPECT_GE(on.stopped, sure_stops);
  EXPECT_LT(on.stopped, races);
  EXPECT_GT(kicks_that_came_too_late, 0u);
}

// Sometimes the task has ended while its signal is still on the way: the thread has to wait for the signal.
TEST_F(NextTask, IsNeverHitByASignalThatTheTaskHasOutrun) {
  pairs on;
  for (int i = 0; i < races; ++i) {
    on.start({.length = endless_in(i, 200us), .allocates = true});
    spin_for(up_to(20us));
    while (!on.is_done()) on.kick();
  }
  EXPECT_EQ(on.interrupted, 0);
  EXPECT_EQ(on.refused_to_run, 0);
  EXPECT_GE(on.stopped, sure_stops);
}

TEST_F(NextTask, IsNeverHitByTheTimerOfTheOneBefore) {
  pairs on;
  for (int i = 0; i < races; ++i) {
    on.start({.length = up_to(200us), .limit = up_to(200us)});
    while (!on.is_done()) std::this_thread::yield();
  }
  EXPECT_EQ(on.interrupted, 0);
  EXPECT_EQ(on.refused_to_run, 0);
  EXPECT_GT(on.stopped, races / 100);
  EXPECT_LT(on.stopped, races);
}

// A timer's signal must not be taken for the kick that is on its way.
TEST_F(NextTask, IsNeverHitByAKickThatCameBesideTheTimer) {
  pairs on;
  for (int i = 0; i < races; ++i) {
    on.start({.length = 200us, .limit = up_to(40us)});
    spin_for(up_to(60us));
    while (!on.is_done()) on.kick();
  }
  EXPECT_EQ(on.interrupted, 0);
  EXPECT_EQ(on.refused_to_run, 0);
}

// The control arm: a kick's signal that is not waited for does interrupt.
TEST_F(NextTask, WouldSeeAStraySignal) {
  pairs on;
  for (int i = 0; i < 100 && on.interrupted == 0; ++i) {
    on.start({.length = 1us, .open = true});
    // One at a time: signals of this kind queue, and a queue that is never empty starves the thread.
    for (; !on.is_done(); usleep(200))
      if (on.in_second()) ::syscall(SYS_tgkill, ::getpid(), on.id(), signal_of_kicks());
  }
  EXPECT_GT(on.interrupted, 0);
}

// By the timer alone, without a kick. It looks once, and may have looked before the task's first instruction, or while
// something was held: more looks need a kick.
TEST_F(NextTask, FollowsWhereTheThreadHasStoppedItself) {
  constexpr int rounds = 300;
  stopping_fixture fixture;
  int alone = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto& work = stoppable_workloads()[static_cast<std::size_t>(i) % 5];  // which hold nothing
    fixture.start(work.body, deadline_point::in(100us + up_to(300us), clock_type::now()));
    const auto give_up = clock_type::now() + 50ms;
    while (!fixture.has_ended() && clock_type::now() < give_up) std::this_thread::yield();
    alone += fixture.has_ended() ? 1 : 0;
    const auto stopped = fixture.stop();
    ASSERT_TRUE(stopped.end.left) << work.name;
  }
  EXPECT_GT(alone, rounds / 10);  // on a busy machine many deadlines pass before the task begins
}

// thread_locals of a task that was stopped are half changed: the next task must not see them.
thread_local std::vector<int> kept;
std::atomic<bool> touched{false};

void fill() {
  while (!let_out) {
    kept.push_back(1);
    touched = true;
    if (kept.size() > 1000) kept = {};
  }
}
void touch_and_return() { kept.push_back(1); }
void spin_until_let_out() {
  while (!let_out) {
  }
}

std::atomic<std::uint64_t> turns{0};
void turn() {
  while (!let_out) turns.fetch_add(1, std::memory_order_relaxed);
}

bool has_processor_note() {
#if defined(RSEQ_SIG)
  return __rseq_size != 0;
#else
  return false;
#endif
}

// The canceller spins for the end of a task only where that runs on another processor.
TEST_F(NextTask, AKickTellsOnWhichProcessorItFoundTheOneBefore) {
  stopping_fixture fixture;
  cpu_set_t usable;
  ASSERT_EQ(sched_getaffinity(0, sizeof usable, &usable), 0);
  EXPECT_EQ(fixture.kicked_on(), -1) << "the control: there was no kick yet";
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    fixture.start(turn);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ASSERT_EQ(sched_setaffinity(fixture.thread_id(), sizeof only, &only), 0);
    for (const auto before = turns.load(); turns.load() == before;) std::this_thread::yield();
    ASSERT_TRUE(fixture.stop().end.left);
    EXPECT_EQ(fixture.kicked_on(), has_processor_note() ? cpu : -1);
    EXPECT_GT(fixture.cpu_time(), duration::zero());
  }
}

TEST_F(NextTask, RunsOnAnotherThreadIfAndOnlyIfThreadLocalsWereTouched) {
  stopping_fixture fixture;
  for (int i = 0; i < 300; ++i) {
    const bool touches = (random_() & 1) != 0;
    const int threads_before = fixture.threads_used();
    touched = false;
    fixture.start(touches ? fill : spin_until_let_out);
    wait_randomly(random_);
    while (touches && !touched) std::this_thread::yield();
    const auto stopped = fixture.stop();
    ASSERT_TRUE(stopped.end.left) << describe(stopped.why_not);
    EXPECT_EQ(stopped.end.spoilt, touches);
    EXPECT_EQ(fixture.threads_used(), threads_before + (touches ? 1 : 0));
  }
}

// The container was made by a task that returned, and is half changed by the next task.
TEST_F(NextTask, RunsOnAnotherThreadThoughTheThreadLocalsAreOlderThanTheStoppedOne) {
  stopping_fixture fixture;
  fixture.start(touch_and_return);
  ASSERT_FALSE(fixture.wait().end.left);
  fixture.start(fill);
  wait_randomly(random_);
  const auto stopped = fixture.stop();
  ASSERT_TRUE(stopped.end.left) << describe(stopped.why_not);
  EXPECT_TRUE(stopped.end.spoilt);
}

}  // namespace
}  // namespace workit::test
