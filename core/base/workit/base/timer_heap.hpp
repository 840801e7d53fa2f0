// A binary heap of instants whose entries know their place, so that one can be taken out or moved in O(log n).
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

/// Threads: none of its own, the owner serialises. Lifetime: keeps pointers to armed entries only.
class timer_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The earliest entry. Requires: not empty.
  [[nodiscard]] timer_entry* top() const noexcept { return entries_.front(); }

  /// Puts the entry in at `at`, or moves it there.
  void arm(timer_entry& entry, time_point at) {
    if (!entry.armed()) {
      entries_.push_back(&entry);
      entry.index = entries_.size() - 1;
    }
    entry.at = at;
    sink(rise(entry.index));
  }

  /// Takes the entry out; one that is not armed is fine.
  void disarm(timer_entry& entry) noexcept {
    if (!entry.armed()) return;
    const std::size_t hole = entry.index;
    entry.index = timer_entry::npos;
    timer_entry* last = entries_.back();
    entries_.pop_back();
    if (last == &entry) return;
    place(hole, last);
    sink(rise(hole));
  }

 private:
  void place(std::size_t i, timer_entry* entry) noexcept {
    entries_[i] = entry;
    entry->index = i;
  }
  std::size_t rise(std::size_t i) noexcept {
    timer_entry* entry = entries_[i];
    while (i > 0 && entry->at < entries_[(i - 1) / 2]->at) {
      place(i, entries_[(i - 1) / 2]);
      i = (i - 1) / 2;
    }
    place(i, entry);
    return i;
  }
  void sink(std::size_t i) noexcept {
    timer_entry* entry = entries_[i];
    for (std::size_t child = 2 * i + 1; child < entries_.size(); child = 2 * i + 1) {
      if (child + 1 < entries_.size() && entries_[child + 1]->at < entries_[child]->at) ++child;
      if (entry->at <= entries_[child]->at) break;
      place(i, entries_[child]);
      i = child;
    }
    place(i, entry);
  }

  std::vector<timer_entry*> entries_;
};

}  // namespace workit
