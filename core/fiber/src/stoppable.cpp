// stoppable: the cell of one task, scope or cleanup.
//
// Invariants
// 1. own_cell_ changes once: null -> a cell of its own, or null -> the closed cell that all share. After that it is
//    constant until the end.
// 2. `owner` of its own cell is this until close_cell(), and null afterwards.
// Lock order: there are no locks.
#include <workit/fiber/detail/stoppable.hpp>

#include <workit/base/assert.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {
namespace {

constexpr auto has_deadline = std::uint64_t{1} << 63U;

/// The cell of all work that ended without one of its own: nothing listens to it, and nothing can be decided.
const cancel_cell::ptr& closed_cell() {
  static const auto& closed = *new cancel_cell::ptr([] {  // never destroyed: handles may outlive everything
    auto cell = cancel_cell::make(nullptr, nullptr);
    cell->close();
    return cell;
  }());
  return closed;
}

}  // namespace

stoppable::stoppable(loop& h, stoppable* above, cell_made when, cancel_cell::shield shield)
    : home(&h), above_(above != nullptr ? above->cell() : nullptr) {
  if (when == cell_made::at_once || above_ == nullptr)
    own_cell_.store(new cancel_cell::ptr(make_cell(shield)), std::memory_order_relaxed);
}

stoppable::~stoppable() {
  const auto* mine = own_cell_.load(std::memory_order_acquire);
  if (mine != &closed_cell()) delete mine;
}

void stoppable::run() { WORKIT_ASSERT(false, "a scope or cleanup was queued as if it were a task"); }

cancel_cell::ptr stoppable::make_cell(cancel_cell::shield shield) {
  auto made = cancel_cell::make(above_, home->shared_from_this(), shield);
  made->owner = this;
  return made;
}

const cancel_cell::ptr& stoppable::cell() {
  if (const auto* mine = own_cell_.load(std::memory_order_acquire)) return *mine;
  std::unique_ptr<const cancel_cell::ptr> made(new cancel_cell::ptr(make_cell(cancel_cell::shield::off)));
  const cancel_cell::ptr* first = nullptr;
  if (own_cell_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) first = made.release();
  return *first;
}

cancel_cell& stoppable::ruling_cell() const noexcept {
  const auto* mine = own_cell_.load(std::memory_order_acquire);
  return mine != nullptr && mine != &closed_cell() ? **mine : *above_;
}

void stoppable::look_as(const stoppable& above) noexcept {
  if (own_cell_.load(std::memory_order_relaxed) != nullptr) return;
  quiet_since_ = above.quiet_since_;
}

void stoppable::close_cell() noexcept {
  const cancel_cell::ptr* mine = nullptr;
  if (own_cell_.compare_exchange_strong(mine, &closed_cell(), std::memory_order_acq_rel) || mine == &closed_cell())
    return;
  (*mine)->close();
  (*mine)->owner = nullptr;
  if (!(*mine)->own_deadline().is_never()) home->deadlines().disarm(**mine);
}

bool stoppable::look_whether_stopping() {
  auto& ruling = ruling_cell();
  const auto seen = cancel_cell::epoch();  // read first: see cancel_cell.cpp, invariant 2
  if ((quiet_since_ & ~has_deadline) != seen) {
    if (ruling.stopping()) return true;
    quiet_since_ = ruling.effective_deadline().is_never() ? seen : seen | has_deadline;
  }
  return (quiet_since_ & has_deadline) != 0 && ruling.expire(home->now());
}

void stoppable::tighten(deadline_point to) {
  if (to.is_never() || to >= cell()->own_deadline()) return;
  cell()->tighten(to);
  home->deadlines().arm(cell(), to.at());
}

}  // namespace workit::detail
