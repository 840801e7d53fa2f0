// export_line: a bounded queue of records, and the thread that hands them to a sink.
//
// Invariants
// 1. What waits is at most `capacity` records and `max_bytes` bytes; a record that does not fit into an empty queue is
//    dropped.
// 2. Records reach the sink in the order in which they came, one at a time, never under a lock.
// 3. Every record that came is counted once: exported, overflowed, cleaned out, failed or skipped.
// 4. After close() nothing is taken any more, and the thread ends once nothing waits.
// Lock order: mutex_ is a leaf, and so is that of the circuit; neither is held while the cleaner or the sink run.
#pragma once

#include <condition_variable>
#include <deque>
#include <thread>
#include <workit/base/assert.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/observe/export_options.hpp>

#include "circuit.hpp"

namespace workit::detail {

/// Asserts on options that cannot be; `whose` begins the sentence.
void check_options(const std::string& whose, const export_options& options);

template <class Record>
class export_line {
 public:
  using cleaner = std::function<bool(Record&)>;
  using sink = std::function<void(const Record&)>;

  export_line(const std::string& whose, export_options options, cleaner clean, sink to)
      : options_(std::move(options)),
        clean_(std::move(clean)),
        sink_(std::move(to)),
        circuit_({.failure_threshold = std::max<std::size_t>(options_.failure_threshold, 1),
                  .reset_after = options_.reset_after}) {
    check_options(whose, options_);
    WORKIT_ASSERT(sink_ != nullptr, whose + " was made without a sink: give it something to call");
    clock_ = options_.clock != nullptr ? options_.clock : &steady_clock_source::instance();
    thread_ = std::thread([this] { work(); });
  }
  ~export_line() { close(); }
  export_line(const export_line&) = delete;
  export_line& operator=(const export_line&) = delete;

  /// `vital` ones go last when there is no room. Threads: any. Blocks: no.
  void add(Record one, std::size_t bytes, bool vital) {
    waiting_list dropped;  // goes after the lock
    {
      const thread_lock lock(mutex_);
      if (closed_ || bytes > options_.max_bytes || !make_room(bytes, vital, dropped)) {
        ++counts_.overflowed;
        return;
      }
      bytes_ += bytes;
      (vital ? vital_ : other_).push_back({++last_, bytes, std::move(one)});
    }
    changed_.notify_one();
  }
  void count_sampled_out() {
    const thread_lock lock(mutex_);
    ++counts_.sampled_out;
  }

  void flush() {
    WORKIT_ASSERT(loop::current() == nullptr && std::this_thread::get_id() != thread_.get_id(),
                  "an exporter was flushed on an I/O thread or in its own sink, which that would block: flush from "
                  "another thread");
    thread_lock lock(mutex_);
    while (!is_empty() || busy_) idle_.wait(lock.native());
  }
  /// Offers the sink what waits, and ends. Idempotent. Threads: one at a time.
  void close() {
    {
      const thread_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] export_counts counts() const {
    const auto circuit_now = circuit_.at(clock_->now());
    const thread_lock lock(mutex_);
    auto now = counts_;
    now.waiting = vital_.size() + other_.size();
    now.circuit = circuit_now;
    return now;
  }

 private:
  struct waiting {
    std::uint64_t number;
    std::size_t bytes;
    Record record;
  };
  using waiting_list = std::deque<waiting>;

  [[nodiscard]] bool is_empty() const noexcept WORKIT_REQUIRES(mutex_) { return vital_.empty() && other_.empty(); }

  /// Drops what is worth less, oldest first, until `bytes` more fit; whether they do.
  bool make_room(std::size_t bytes, bool vital, waiting_list& dropped) WORKIT_REQUIRES(mutex_) {
    while (vital_.size() + other_.size() >= options_.capacity || bytes_ + bytes > options_.max_bytes) {
      auto& from = !other_.empty() ? other_ : vital_;
      if (&from == &vital_ && !vital) return false;
      bytes_ -= from.front().bytes;
      ++counts_.overflowed;
      dropped.push_back(std::move(from.front()));
      from.pop_front();
    }
    return true;
  }

  waiting take_oldest() WORKIT_REQUIRES(mutex_) {
    const bool vital_first = other_.empty() || (!vital_.empty() && other_.front().number > vital_.front().number);
    auto& from = vital_first ? vital_ : other_;
    auto oldest = std::move(from.front());
    from.pop_front();
    bytes_ -= oldest.bytes;
    return oldest;
  }

  void work() {
    thread_lock lock(mutex_);
    for (;;) {
      while (!closed_ && is_empty()) changed_.wait(lock.native());
      if (is_empty()) return;
      busy_ = true;
      std::optional next(take_oldest());
      lock.unlock();
      const auto how = hand(next->record);
      next.reset();  // what the record holds is destroyed outside of the lock
      lock.lock();
      ++(counts_.*how);
      busy_ = false;
      if (is_empty()) idle_.notify_all();
    }
  }

  /// Hands one record to the sink; returns the count that grows.
  std::uint64_t export_counts::*hand(Record& one) {
    if (!passes(one)) return &export_counts::cleaned_out;
    const auto admitted = circuit_.try_admit(clock_->now());
    if (!admitted.epoch) return &export_counts::skipped;
    tell_of_change();
    auto how = &export_counts::exported;
    try {
      sink_(one);
      circuit_.succeeded(*admitted.epoch);
    } catch (...) {
      circuit_.failed(*admitted.epoch, clock_->now());
      how = &export_counts::failed;
    }
    tell_of_change();
    return how;
  }
  void tell_of_change() {
    const auto now = circuit_.at(clock_->now());
    const auto before = std::exchange(told_, now);
    if (before == now || !options_.on_circuit) return;
    try {
      options_.on_circuit(before, now);
    } catch (...) {  // an observer cannot change what it observes
    }
  }
  bool passes(Record& one) const {
    try {
      return clean_ == nullptr || clean_(one);
    } catch (...) {  // a record counts as clean only if the cleaner says so
      return false;
    }
  }

  const export_options options_;
  const cleaner clean_;
  const sink sink_;
  circuit circuit_;
  clock_source* clock_ = nullptr;
  circuit_state told_ = circuit_state::closed;  // the thread's

  mutable thread_mutex mutex_;
  std::condition_variable changed_, idle_;
  waiting_list vital_ WORKIT_GUARDED_BY(mutex_), other_ WORKIT_GUARDED_BY(mutex_);
  std::size_t bytes_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_ WORKIT_GUARDED_BY(mutex_) = 0;
  bool closed_ WORKIT_GUARDED_BY(mutex_) = false;
  bool busy_ WORKIT_GUARDED_BY(mutex_) = false;  // a record is with the sink
  export_counts counts_ WORKIT_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace workit::detail
