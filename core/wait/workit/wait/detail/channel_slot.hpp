// channel_slot: one place in a channel's ring.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <workit/fiber/detail/spin_lock.hpp>

namespace workit::detail {

/// Values are moved in and out without the channel's lock, so a slot says itself whose turn it is: 2n when value n may
/// be put there, 2n + 1 when it may be taken. A caller that is early waits for the move that is under way on
/// another thread (after D. Vyukov's bounded queue of many producers and consumers, but the places are handed out under
/// a lock).
template <class T>
class channel_slot {
 public:
  /// The first value it will hold. Threads: before the channel is shared.
  void begin(std::uint64_t number) noexcept { turn_.store(2 * number, std::memory_order_relaxed); }

  void put(std::uint64_t number, T& value) noexcept {
    await(2 * number);
    ::new (static_cast<void*>(bytes_)) T(std::move(value));
    turn_.store(2 * number + 1, std::memory_order_release);
  }

  /// `next` is the number of the value that comes here after this one.
  void take(std::uint64_t number, std::uint64_t next, std::optional<T>& into) noexcept {
    await(2 * number + 1);
    auto* held = std::launder(reinterpret_cast<T*>(bytes_));
    into.emplace(std::move(*held));
    std::destroy_at(held);
    turn_.store(2 * next, std::memory_order_release);
  }

 private:
  void await(std::uint64_t turn) const noexcept {
    if (turn_.load(std::memory_order_acquire) == turn) return;
    spin_until([&] { return turn_.load(std::memory_order_acquire) == turn; });
  }

  std::atomic<std::uint64_t> turn_{0};
  alignas(T) std::byte bytes_[sizeof(T)];
};

}  // namespace workit::detail
