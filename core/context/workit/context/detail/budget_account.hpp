// budget_account: the remainder of one budget, charged from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <workit/base/cancel_cell.hpp>
#include <workit/context/budget.hpp>

namespace workit::detail {

/// The budget of one key in one scope. Threads: any. Lifetime: shared by the scopes that see it.
class budget_account {
 public:
  /// `owner` is cancelled by an overrun. Errors: as budget_limit says.
  budget_account(const budget_limit& limit, cancel_cell::ptr owner);
  budget_account(const budget_account&) = delete;
  budget_account& operator=(const budget_account&) = delete;

  /// Spends `units` of 10^-digits; false, and nothing spent, when they do not fit.
  /// Blocks: no, but for the few instructions of a charge on several budgets that has this one among them.
  [[nodiscard]] bool try_charge(std::int64_t units) noexcept;
  /// The same, or cancels the owner. Errors: budget_exceeded.
  void charge(std::int64_t units);

  [[nodiscard]] const budget_key& key() const noexcept { return key_; }
  [[nodiscard]] budget_state state() const;

  /// A part of a charge on several accounts.
  struct part {
    budget_account* account;
    std::int64_t units;
  };
  /// Spends all of `parts` or nothing; no other charge comes between. No account may be in it twice, and the accounts
  /// have to ascend by the numbers of their keys. Errors: budget_exceeded of the first that does not fit, whose owner
  /// is cancelled.
  static void charge_all(std::span<const part> parts);

 private:
  /// Charges and returns -1, or returns what is spent already.
  [[nodiscard]] std::int64_t spent_if_refused(std::int64_t units) noexcept;
  [[nodiscard]] std::uint64_t unlocked() const noexcept;
  void lock() noexcept;
  [[nodiscard]] std::int64_t spent_while_locked() const noexcept;
  void unlock(std::int64_t spent) noexcept;
  [[noreturn]] void overrun(std::int64_t spent, std::int64_t attempted) const;

  const budget_key& key_;
  const std::int64_t limit_;         // in units of the key
  std::atomic<std::uint64_t> word_;  // units spent; the top bit is the lock
  const cancel_cell::ptr owner_;
};

/// Pays for events, and counts those that are dropped. Threads: the home loop's.
class telemetry_meter {
 public:
  explicit telemetry_meter(std::shared_ptr<budget_account> account) noexcept : account_(std::move(account)) {}

  /// False when it has run out.
  [[nodiscard]] bool pay() noexcept { return account_->try_charge(1); }
  /// Counts one more event that is dropped, and returns how many there were.
  std::uint64_t drop() noexcept { return ++dropped_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] const budget_account& account() const noexcept { return *account_; }

 private:
  const std::shared_ptr<budget_account> account_;
  std::uint64_t dropped_ = 0;
};

}  // namespace workit::detail
