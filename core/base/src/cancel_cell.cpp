// cancel_cell: one word that changes once, and the epoch by which descendants see the change.
//
// Invariants
// 1. state_ changes once: null -> record, or null -> closed mark. A record lives as long as its cell.
// 2. The epoch moves after state_ or deadline_ did, and a walk reads the epoch before it reads any state. So a
//    quiet_since_ that equals the epoch never hides a cancellation from which request() has returned.
// Lock order: there are no locks.
#include <workit/base/cancel_cell.hpp>

#include <algorithm>
#include <vector>

namespace workit {
namespace {

const cancel_record closed_mark{reason::scope_ended{}, {}};

}  // namespace

cancel_cell::ptr cancel_cell::make(ptr parent, std::shared_ptr<cancel_listener> listener, shield s) {
  return std::make_shared<cancel_cell>(std::move(parent), std::move(listener), s);
}

cancel_cell::cancel_cell(ptr parent, std::shared_ptr<cancel_listener> listener, shield s)
    : parent_(std::move(parent)),
      listener_(std::move(listener)),
      shield_(s),
      deadline_(deadline_point{}.at().time_since_epoch().count()) {}

cancel_cell::~cancel_cell() {
  delete own_record();
  if (parent_ == nullptr || parent_.use_count() > 1) return;
  // It was the last one below its parent. A chain ends one after the other, for which this list is: by calls within
  // calls, a long one would overflow the stack of the fiber that drops the last handle.
  static thread_local std::vector<ptr>* ending = nullptr;
  if (ending != nullptr) {
    ending->push_back(std::move(parent_));
    return;
  }
  std::vector<ptr> chain;
  ending = &chain;
  for (chain.push_back(std::move(parent_)); !chain.empty();) {
    const auto next = std::move(chain.back());
    chain.pop_back();
  }
  ending = nullptr;
}

bool cancel_cell::request(cancel_reason why, tell_alarm then) {
  if (decided() || stopping()) {
    // The winner may not have moved the epoch yet; what it promises its caller is promised to this one, too.
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    return false;
  }
  std::unique_ptr<cancel_record> mine(new cancel_record{std::move(why), std::chrono::steady_clock::now()});
  const cancel_record* expected = nullptr;
  const bool won = state_.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel);
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  if (!won) return false;
  static_cast<void>(mine.release());  // the cell owns it now
  if (listener_) listener_->cancelled(shared_from_this(), then);
  return true;
}

bool cancel_cell::stopping() const noexcept {
  const auto seen = epoch();
  if (quiet_since_.load(std::memory_order_relaxed) == seen) return false;
  if (record() != nullptr) return true;
  quiet_since_.store(seen, std::memory_order_relaxed);
  return false;
}

const cancel_record* cancel_cell::own_record() const noexcept {
  const auto* state = state_.load(std::memory_order_acquire);
  return state == &closed_mark ? nullptr : state;
}

const cancel_record* cancel_cell::record() const noexcept {
  for (const auto* cell = this; cell != nullptr; cell = cell->above())
    if (const auto* found = cell->own_record()) return found;
  return nullptr;
}

cancel_record cancel_cell::record_or(deadline_point until, time_point now) const {
  if (const auto* found = record()) {
    auto told = *found;
    if (told.at > now && until.passed(now)) told.at = until.at();  // its worker met the deadline before this cell did
    return told;
  }
  return {reason::deadline{until, until.overdue(now)}, until.at()};
}

void cancel_cell::tighten(deadline_point to) noexcept {
  const auto target = to.at().time_since_epoch().count();
  auto seen = deadline_.load(std::memory_order_relaxed);
  while (target < seen)
    if (deadline_.compare_exchange_weak(seen, target, std::memory_order_acq_rel)) {
      epoch_.fetch_add(1, std::memory_order_acq_rel);
      return;
    }
}

deadline_point cancel_cell::own_deadline() const noexcept {
  return deadline_point{time_point{duration{deadline_.load(std::memory_order_acquire)}}};
}

deadline_point cancel_cell::effective_deadline() const noexcept {
  deadline_point earliest;
  for (const auto* cell = this; cell != nullptr; cell = cell->above())
    earliest = std::min(earliest, cell->own_deadline());
  return earliest;
}

bool cancel_cell::expire(time_point now) {
  cancel_cell* outermost = nullptr;
  for (auto* cell = this; cell != nullptr; cell = const_cast<cancel_cell*>(cell->above()))
    if (cell->own_deadline().passed(now)) outermost = cell;
  if (outermost != nullptr) {
    const auto at = outermost->own_deadline();
    outermost->request(outermost->expiry(at, at.overdue(now)));
  }
  return stopping();
}

cancel_reason cancel_cell::expiry(deadline_point at, duration lateness) const {
  if (limit_ > duration::zero()) return reason::timeout{limit_};
  return reason::deadline{at, lateness};
}

void cancel_cell::close() noexcept {
  const cancel_record* expected = nullptr;
  state_.compare_exchange_strong(expected, &closed_mark, std::memory_order_acq_rel);
}

bool cancel_cell::is_below(const cancel_cell& ancestor) const noexcept {
  for (const auto* cell = this; cell != nullptr; cell = cell->above())
    if (cell == &ancestor) return true;
  return false;
}

}  // namespace workit
