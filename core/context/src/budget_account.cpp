// budget_account: charges that land exactly, whichever threads make them.
//
// Invariants
// 1. word_ is the units spent, 0 to limit_, and in its top bit the lock. A charge on one account is one
//    compare-and-swap of an unlocked word; a charge on several locks them all, looks, and writes or not. So a charge
//    that is refused was never visible, and cannot have made another one fail.
// 2. Nothing is called while a word is locked: it is locked for some tens of instructions, or for as long as the kernel
//    takes the thread away.
// Lock order: words ascend by the numbers of their keys; no charge has two accounts of one key.
#include <workit/context/detail/budget_account.hpp>

#include <algorithm>
#include <limits>
#include <thread>
#include <workit/base/errors.hpp>

#include <workit/base/detail/check_option.hpp>

namespace workit::detail {
namespace {

constexpr std::int64_t accepted = -1;
constexpr std::uint64_t locked = std::uint64_t{1} << 63;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace

budget_account::budget_account(const budget_limit& limit, cancel_cell::ptr owner)
    : key_(*limit.key), limit_(limit.limit.in_units(key_.digits())), owner_(std::move(owner)) {
  const auto spent = limit.spent.in_units(key_.digits());
  WORKIT_CHECK_OPTION(spent <= limit_, "budget \"" + key_.name() + "\" is given with " + to_string(limit.spent) +
                                           " spent; it may be up to its limit of " + to_string(limit.limit));
  word_.store(static_cast<std::uint64_t>(spent), std::memory_order_relaxed);
}

std::uint64_t budget_account::unlocked() const noexcept {
  auto seen = word_.load(std::memory_order_relaxed);
  while ((seen & locked) != 0) {
    std::this_thread::yield();
    seen = word_.load(std::memory_order_relaxed);
  }
  return seen;
}

std::int64_t budget_account::spent_if_refused(std::int64_t units) noexcept {
  for (auto seen = unlocked();; seen = unlocked()) {
    const auto spent = static_cast<std::int64_t>(seen);
    if (units > limit_ - spent) return spent;
    if (word_.compare_exchange_weak(seen, seen + static_cast<std::uint64_t>(units), std::memory_order_relaxed))
      return accepted;
  }
}

bool budget_account::try_charge(std::int64_t units) noexcept { return spent_if_refused(units) == accepted; }

void budget_account::charge(std::int64_t units) {
  if (const auto spent = spent_if_refused(units); spent != accepted) overrun(spent, units);
}

budget_state budget_account::state() const {
  const auto spent = word_.load(std::memory_order_relaxed) & ~locked;
  return {&key_, amount::of_units(limit_, key_.digits()),
          amount::of_units(static_cast<std::int64_t>(spent), key_.digits())};
}

void budget_account::lock() noexcept {
  for (auto seen = unlocked(); !word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire);)
    seen = unlocked();
}

std::int64_t budget_account::spent_while_locked() const noexcept {
  return static_cast<std::int64_t>(word_.load(std::memory_order_relaxed) & ~locked);
}

void budget_account::unlock(std::int64_t spent) noexcept {
  word_.store(static_cast<std::uint64_t>(spent), std::memory_order_release);
}

void budget_account::charge_all(std::span<const part> parts) {
  for (const auto& p : parts) p.account->lock();
  const auto refused = std::find_if(parts.begin(), parts.end(), [](const part& p) {
    return p.units > p.account->limit_ - p.account->spent_while_locked();
  });
  const auto spent = refused != parts.end() ? refused->account->spent_while_locked() : 0;
  for (const auto& p : parts)
    p.account->unlock(p.account->spent_while_locked() + (refused == parts.end() ? p.units : 0));
  if (refused != parts.end()) refused->account->overrun(spent, refused->units);
}

void budget_account::overrun(std::int64_t spent, std::int64_t attempted) const {
  const auto digits = key_.digits();
  std::int64_t would_be = 0;
  if (__builtin_add_overflow(spent, attempted, &would_be)) would_be = std::numeric_limits<std::int64_t>::max();
  const reason::budget why{.key = key_.name(),
                           .limit = amount::of_units(limit_, digits),
                           .spent = amount::of_units(would_be, digits),
                           .attempted = amount::of_units(attempted, digits),
                           .unit = key_.unit()};
  owner_->request(why);
  throw budget_exceeded(why);
}

}  // namespace workit::detail
