// timer_heap: moving slots up and down, and closing holes.
#include <workit/base/timer_heap.hpp>

#include <algorithm>
#include <utility>

namespace workit {
namespace {

constexpr std::size_t arity = 4;  // children of a node

}  // namespace

timer_entry* timer_heap::top() noexcept {
  while (slots_.front().entry == nullptr) {
    --holes_;
    drop_first();
  }
  return slots_.front().entry;
}

void timer_heap::arm(timer_entry& entry, time_point at) {
  if (!entry.armed()) {
    entry.index = slots_.size();
    slots_.emplace_back();
  }
  entry.at = at;
  settle(entry.index, {at, &entry});
}

void timer_heap::disarm(timer_entry& entry) noexcept {
  if (!entry.armed()) return;
  slots_[std::exchange(entry.index, timer_entry::npos)].entry = nullptr;
  if (++holes_ > slots_.size() / 2) sweep();
}

void timer_heap::place(std::size_t i, const slot& s) noexcept {
  slots_[i] = s;
  if (s.entry != nullptr) s.entry->index = i;
}

void timer_heap::settle(std::size_t i, slot s) noexcept {
  for (std::size_t up = (i - 1) / arity; i > 0 && s.at < slots_[up].at; up = (i - 1) / arity) {
    place(i, slots_[up]);
    i = up;
  }
  sink(i, s);
}

void timer_heap::sink(std::size_t i, slot s) noexcept {
  for (std::size_t first = arity * i + 1; first < slots_.size(); first = arity * i + 1) {
    const auto earliest = earliest_from(first);
    if (s.at <= slots_[earliest].at) break;
    place(i, slots_[earliest]);
    i = earliest;
  }
  place(i, s);
}

std::size_t timer_heap::earliest_from(std::size_t first) const noexcept {
  std::size_t earliest = first;
  for (std::size_t i = first + 1; i < std::min(first + arity, slots_.size()); ++i)
    if (slots_[i].at < slots_[earliest].at) earliest = i;
  return earliest;
}

void timer_heap::drop_first() noexcept {
  const slot last = slots_.back();
  slots_.pop_back();
  if (!slots_.empty()) sink(0, last);
}

void timer_heap::sweep() noexcept {
  std::erase_if(slots_, [](const slot& s) { return s.entry == nullptr; });
  holes_ = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].entry->index = i;
  if (slots_.size() < 2) return;
  for (std::size_t i = (slots_.size() - 2) / arity + 1; i-- > 0;) sink(i, slots_[i]);
}

}  // namespace workit
