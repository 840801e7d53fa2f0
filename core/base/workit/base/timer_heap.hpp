// timer_heap: a heap of instants from which any entry can be moved or removed at once.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>
#include <workit/base/clock.hpp>

namespace workit {

/// What sits in the heap; a base or member of the thing that waits.
struct timer_entry {
  static constexpr std::size_t npos = std::numeric_limits<std::size_t>::max();
  time_point at{};
  std::size_t index = npos;
  [[nodiscard]] bool armed() const noexcept { return index != npos; }
};

/// Four children a node, and the instants beside the pointers: moving an entry looks at few others, which lie anywhere.
/// What is taken out leaves its instant behind, without its pointer, until it is the earliest or most slots are such:
/// ten thousand waits that are cancelled at once cost no ten thousand searches.
/// Threads: none of its own, the owner serialises. Lifetime: keeps pointers to armed entries only.
class timer_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - holes_; }
  /// The earliest entry. Requires: not empty.
  [[nodiscard]] timer_entry* top() noexcept;

  /// Puts the entry in at `at`, or moves it there.
  void arm(timer_entry& entry, time_point at);

  /// Takes the entry out; one that is not armed is fine.
  void disarm(timer_entry& entry) noexcept;

 private:
  struct slot {
    time_point at{};
    timer_entry* entry = nullptr;  ///< null once it has been disarmed
  };

  void place(std::size_t i, const slot& s) noexcept;
  /// Finds the place of `s` up or down from the hole at `i`.
  void settle(std::size_t i, slot s) noexcept;
  /// Finds the place of `s` down from the hole at `i`.
  void sink(std::size_t i, slot s) noexcept;
  [[nodiscard]] std::size_t earliest_from(std::size_t first) const noexcept;
  void drop_first() noexcept;
  /// Closes all holes, in O(n), and puts what is left in order from the last parent up.
  void sweep() noexcept;

  std::vector<slot> slots_;
  std::size_t holes_ = 0;  // slots without their entry
};

}  // namespace workit
