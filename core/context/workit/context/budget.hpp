// budget: how much of something the work below a scope may use.
#pragma once

#include <string>
#include <workit/base/amount.hpp>
#include <workit/context/detail/key_identity.hpp>

namespace workit {

/// How a budget counts.
struct budget_key_options {
  std::string unit = {};  ///< as in "tokens" or "EUR", up to 32 characters; empty for a bare number
  unsigned digits = 0;    ///< decimal digits of its fixed point, 0 to 12: 2 counts hundredths
};

/// Names a budget. The object is the key, not its name; make it a constant of a namespace:
///
///   inline const workit::budget_key cost{"cost", {.unit = "EUR", .digits = 4}};
///
/// Threads: any. Lifetime: outlives the scopes that have a budget of it. Errors: std::invalid_argument for options
/// beyond their range.
class budget_key final : public detail::key_identity {
 public:
  explicit budget_key(std::string name, budget_key_options options = {});

  [[nodiscard]] const std::string& unit() const noexcept { return unit_; }
  [[nodiscard]] unsigned digits() const noexcept { return digits_; }

 private:
  const std::string unit_;
  const unsigned digits_;
};

/// One event that reaches an observer costs 1 of it. When it has run out, events are dropped and counted and the work
/// goes on: event::telemetry_exhausted is told once, and scope_closed always passes and says how many were dropped.
/// Without a listener nothing is charged.
extern const budget_key telemetry_budget;

/// What a scope is given of `key`; `spent` of it is gone already. A budget of the same key above is not touched by what
/// is charged below. Errors: opening the scope throws invalid_amount for what its key cannot count, and
/// std::invalid_argument when more is spent than allowed, or for one key twice.
struct budget_limit {
  budget_limit(const budget_key& k, amount l, amount s = {}) : key(&k), limit(l), spent(s) {}

  const budget_key* key;
  amount limit;
  amount spent;
};

/// One part of a charge on several budgets.
struct charge {
  charge(const budget_key& k, amount h) : key(&k), how_much(h) {}

  const budget_key* key;
  amount how_much;
};

/// A budget at one instant; a copy.
struct budget_state {
  const budget_key* key = nullptr;
  amount limit{};
  amount spent{};
};

}  // namespace workit
