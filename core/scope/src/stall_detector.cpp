// stall_detector: compares each loop's count of beats with that of its last look.
//
// Invariants
// 1. All members but ending_ belong to the detector's thread once that runs.
// 2. A stall is reported only if the count has not changed until its stack was taken: the handler of the probe looks
//    again, on the thread itself.
// Lock order: mutex_ is a leaf; nothing is called under it.
#include "stall_detector.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <workit/fiber/detail/loop.hpp>

#include <workit/base/detail/duration_text.hpp>
#include "stack_probe.hpp"

namespace workit {
namespace detail {
namespace {

constexpr duration between_reports = std::chrono::seconds(1);
constexpr duration patience = std::chrono::milliseconds(100);
constexpr std::size_t most_in_a_minute = 10;

// The CPU time of a thread by its id (the clock ids of include/linux/posix-timers.h); zero when it has gone.
duration cpu_time_of(pid_t thread) {
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | 6U);
  timespec used{};
  if (thread == 0 || clock_gettime(clock, &used) != 0) return duration::zero();
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

stall_detector::stall_detector(const std::vector<std::shared_ptr<loop>>& loops, duration after, listener tell)
    : after_(after), tell_(std::move(tell)) {
  for (const auto& l : loops) all_.push_back({.which = l, .beats = l->beats()});
  thread_ = std::thread([this] { run(); });
}

stall_detector::~stall_detector() {
  {
    const thread_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void stall_detector::run() {
  prctl(PR_SET_NAME, "workit-stalls");
  const auto period = std::max<duration>(after_ / 4, std::chrono::microseconds(100));
  auto last = std::chrono::steady_clock::now();
  thread_lock lock(mutex_);
  const auto ending = [this] {
    mutex_.assert_held();
    return ending_;
  };
  while (!changed_.wait_for(lock.native(), period, ending)) {
    lock.unlock();
    const auto now = std::chrono::steady_clock::now();
    // When the machine or the process stood still, so did this thread: that is no stall.
    const auto passed = std::min<duration>(now - std::exchange(last, now), 2 * period);
    for (auto& one : all_) look(one, passed);
    lock.lock();
  }
}

void stall_detector::look(watched& one, duration passed) {
  const auto beats = one.which->beats();
  if (beats != one.beats) {
    const bool waits = (beats & 1) != 0;
    one = {one.which, beats, {}, waits ? cpu_time_of(one.which->thread_id()) : duration::zero(), {}, 0};
    return;
  }
  one.held += passed;
  if (one.held < after_ || (one.nth != 0 && one.held - one.told_at < between_reports)) return;
  if (is_held(one, after_)) report(one);
}

// A thread that waits for I/O runs the first handler before it counts again. It is held if it has used the processor.
bool stall_detector::is_held(const watched& one, duration after) {
  return (one.beats & 1) == 0 || cpu_time_of(one.which->thread_id()) - one.cpu_then >= after;
}

void stall_detector::report(watched& one) {
  auto sample = probe_stack(*one.which, one.beats, patience);
  if (one.which->beats() != one.beats) return;
  ++one.nth;
  one.told_at = one.held;
  if (!within_limit()) {
    ++suppressed_;
    return;
  }
  stall_report r{.io_thread = one.which->index(), .held = one.held, .nth = one.nth};
  r.suppressed = std::exchange(suppressed_, 0);
  if (sample) {
    r.task = sample->task;
    r.name = std::move(sample->name);
    r.inside = std::move(sample->inside);
    if (!sample->stopped_for.empty())
      r.stopping = told_to_stop{sample->stopped_for, std::chrono::steady_clock::now() - sample->stopped_at};
    r.stack = describe_frames(sample->frames);
  }
  if (tell_) {
    try {
      tell_(r);
    } catch (...) {  // an observer cannot change what it observes
    }
  } else {
    const auto text = to_string(r);
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size());
  }
}

bool stall_detector::within_limit() {
  const auto now = std::chrono::steady_clock::now();
  while (!told_.empty() && now - told_.front() >= std::chrono::minutes(1)) told_.pop_front();
  if (told_.size() >= most_in_a_minute) return false;
  told_.push_back(now);
  return true;
}

}  // namespace detail

std::string to_string(const stall_report& r) {
  std::string text =
      "workit: I/O thread " + std::to_string(r.io_thread) + " has been held for " + detail::in_words(r.held) + " by ";
  if (r.task != 0)
    text += "task \"" + r.name + "\" (" + std::to_string(r.task) + ')';
  else
    text += r.stack.empty() ? "code that could not be interrupted" : "a handler";
  if (!r.inside.empty()) text += " in \"" + r.inside + '"';
  if (r.stopping)
    text += ", which was told to stop " + detail::in_words(r.stopping->since) + " ago (" +
            std::string(r.stopping->kind) + ") and goes on";
  text += "; nothing else runs there\n";
  if (r.suppressed != 0) text += "  (" + std::to_string(r.suppressed) + " reports before this one were held back)\n";
  for (const auto& frame : r.stack) text += "  at " + frame + '\n';
  return text;
}

}  // namespace workit
