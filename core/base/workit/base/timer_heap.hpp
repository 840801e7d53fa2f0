// timer_heap: a heap of instants from which any entry can be moved or removed at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
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
  [[nodiscard]] timer_entry* top() noexcept {
    while (slots_.front().entry == nullptr) {
      --holes_;
      drop_first();
    }
    return slots_.front().entry;
  }

  /// Puts the entry in at `at`, or moves it there.
  void arm(timer_entry& entry, time_point at) {
    if (!entry.armed()) {
      entry.index = slots_.size();
      slots_.emplace_back();
    }
    entry.at = at;
    settle(entry.index, {at, &entry});
  }

  /// Takes the entry out; one that is not armed is fine.
  void disarm(timer_entry& entry) noexcept {
    if (!entry.armed()) return;
    slots_[std::exchange(entry.index, timer_entry::npos)].entry = nullptr;
    if (++holes_ > slots_.size() / 2) sweep();
  }

 private:
  static constexpr std::size_t arity = 4;

  struct slot {
    time_point at{};
    timer_entry* entry = nullptr;  ///< null once it has been disarmed
  };

  void place(std::size_t i, const slot& s) noexcept {
    slots_[i] = s;
    if (s.entry != nullptr) s.entry->index = i;
  }
  /// Finds the place of `s` up or down from the hole at `i`.
  void settle(std::size_t i, slot s) noexcept {
    for (std::size_t up = (i - 1) / arity; i > 0 && s.at < slots_[up].at; up = (i - 1) / arity) {
      place(i, slots_[up]);
      i = up;
    }
    sink(i, s);
  }
  /// Finds the place of `s` down from the hole at `i`.
  void sink(std::size_t i, slot s) noexcept {
    for (std::size_t first = arity * i + 1; first < slots_.size(); first = arity * i + 1) {
      const auto earliest = earliest_from(first);
      if (s.at <= slots_[earliest].at) break;
      place(i, slots_[earliest]);
      i = earliest;
    }
    place(i, s);
  }
  [[nodiscard]] std::size_t earliest_from(std::size_t first) const noexcept {
    std::size_t earliest = first;
    for (std::size_t i = first + 1; i < std::min(first + arity, slots_.size()); ++i)
      if (slots_[i].at < slots_[earliest].at) earliest = i;
    return earliest;
  }
  void drop_first() noexcept {
    const slot last = slots_.back();
    slots_.pop_back();
    if (!slots_.empty()) sink(0, last);
  }
  /// Closes all holes, in O(n), and puts what is left in order from the last parent up.
  void sweep() noexcept {
    std::erase_if(slots_, [](const slot& s) { return s.entry == nullptr; });
    holes_ = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].entry->index = i;
    if (slots_.size() < 2) return;
    for (std::size_t i = (slots_.size() - 2) / arity + 1; i-- > 0;) sink(i, slots_[i]);
  }

  std::vector<slot> slots_;
  std::size_t holes_ = 0;  // slots without their entry
};

}  // namespace workit
