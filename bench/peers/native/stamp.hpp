// The stamp: one word in shared memory in which a victim leaves the time, for an observer that trusts no other source.
#pragma once

#include <ctime>

#include <atomic>
#include <cstdint>
#include <optional>

namespace peers {

/// CLOCK_MONOTONIC in nanoseconds. Not noexcept: an asynchronous cancellation unwinds from inside of it.
inline std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

class stamp {
 public:
  /// Errors: std::system_error when no page can be mapped.
  stamp();
  ~stamp();
  stamp(const stamp&) = delete;
  stamp& operator=(const stamp&) = delete;

  void clear() { word_->store(0, std::memory_order_relaxed); }
  /// For the victim, in this process or in a child that was forked after construction.
  void mark() { word_->store(now(), std::memory_order_relaxed); }

  /// Returns at a moment when the victim has been at it for 5 ms and is on a processor.
  /// Blocks: until then, keeping the processor busy; on a busy machine it gives up after ten looks of 5 ms.
  void wait_until_running() const;

  /// The last mark, once it has stood still for 50 ms; nothing when the victim still runs after a second.
  /// Blocks: for as long.
  std::optional<std::int64_t> last() const;

 private:
  std::int64_t read() const { return word_->load(std::memory_order_relaxed); }

  std::atomic<std::int64_t>* word_;
};

}  // namespace peers
