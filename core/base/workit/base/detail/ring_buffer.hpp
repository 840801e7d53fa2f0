// ring_buffer: the newest elements of a sequence, up to a capacity.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>
#include <workit/base/thread_mutex.hpp>

namespace workit::detail {

/// A ring: when it is full the oldest one goes, and is counted. Threads: any; its lock is a leaf, and what is dropped
/// is destroyed outside of it.
template <class T>
class ring_buffer {
 public:
  explicit ring_buffer(std::size_t capacity) : capacity_(capacity) {}

  void add(T one) {
    const thread_lock lock(mutex_);
    if (kept_.size() < capacity_) {
      kept_.push_back(std::move(one));
      return;
    }
    std::swap(kept_[oldest_], one);  // what is dropped goes with the argument, after the lock
    oldest_ = (oldest_ + 1) % capacity_;
    ++dropped_;
  }
  /// Oldest first; the window is empty afterwards.
  [[nodiscard]] std::vector<T> take_all() {
    std::vector<T> all;
    std::size_t oldest = 0;
    {
      const thread_lock lock(mutex_);
      all.swap(kept_);
      oldest = std::exchange(oldest_, 0);
    }
    return in_order(std::move(all), oldest);
  }
  /// The same, and the window stays as it is; copying T runs no user code.
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> all;
    std::size_t oldest = 0;
    {
      const thread_lock lock(mutex_);
      all = kept_;
      oldest = oldest_;
    }
    return in_order(std::move(all), oldest);
  }
  [[nodiscard]] std::size_t size() const {
    const thread_lock lock(mutex_);
    return kept_.size();
  }
  /// Since it was made.
  [[nodiscard]] std::uint64_t dropped() const {
    const thread_lock lock(mutex_);
    return dropped_;
  }

 private:
  static std::vector<T> in_order(std::vector<T> all, std::size_t oldest) {
    std::rotate(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(oldest), all.end());
    return all;
  }

  const std::size_t capacity_;
  mutable thread_mutex mutex_;
  std::vector<T> kept_ WORKIT_GUARDED_BY(mutex_);
  std::size_t oldest_ WORKIT_GUARDED_BY(mutex_) = 0;  // of a full ring
  std::uint64_t dropped_ WORKIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace workit::detail
