// A heap of instants whose entries know their place, so that one can be taken out or moved in O(log n).
#pragma once

#include <algorithm>
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
/// Threads: none of its own, the owner serialises. Lifetime: keeps pointers to armed entries only.
class timer_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  /// The earliest entry. Requires: not empty.
  [[nodiscard]] timer_entry* top() const noexcept { return slots_.front().entry; }

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
    const std::size_t hole = entry.index;
    entry.index = timer_entry::npos;
    const slot last = slots_.back();
    slots_.pop_back();
    if (last.entry != &entry) settle(hole, last);
  }

 private:
  static constexpr std::size_t arity = 4;

  struct slot {
    time_point at{};
    timer_entry* entry = nullptr;
  };

  void place(std::size_t i, const slot& s) noexcept {
    slots_[i] = s;
    s.entry->index = i;
  }
  /// Finds the place of `s` up or down from the hole at `i`.
  void settle(std::size_t i, slot s) noexcept {
    for (std::size_t up = (i - 1) / arity; i > 0 && s.at < slots_[up].at; up = (i - 1) / arity) {
      place(i, slots_[up]);
      i = up;
    }
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

  std::vector<slot> slots_;
};

}  // namespace workit
