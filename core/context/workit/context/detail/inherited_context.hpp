// inherited_context: what a scope hands down: context values and budgets.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>
#include <workit/context/detail/budget_account.hpp>
#include <workit/context/values.hpp>

namespace workit::detail {

extern template class id_map<budget_account>;

/// Shared by a scope that sets something and all below it that set nothing. Threads: any; it does not change, accounts
/// are charged atomically. Lifetime: shared.
class inherited_context {
 public:
  using ptr = std::shared_ptr<const inherited_context>;

  /// Those of a scope in `outer` (null for none) that sets `own` and is given `limits`, which cancel `owner`. Null when
  /// there is nothing. Errors: as budget_limit says.
  static ptr below(const ptr& outer, const values& own, std::span<const budget_limit> limits,
                   const cancel_cell::ptr& owner);

  [[nodiscard]] const values& context_values() const noexcept { return values_; }
  /// Null when no scope set a budget of `key`.
  [[nodiscard]] budget_account* account(const budget_key& key) const noexcept;
  /// All budgets that are visible here, by the age of their keys.
  [[nodiscard]] std::vector<budget_state> budgets() const;
  /// Null when events are free.
  [[nodiscard]] telemetry_meter* telemetry() const noexcept { return telemetry_.get(); }

 private:
  values values_;
  id_map<budget_account> accounts_;
  std::shared_ptr<telemetry_meter> telemetry_;
};

/// Charges on the accounts of `here` (null for none), all or nothing. Errors: budget_not_set, which names `scope`;
/// invalid_amount; budget_exceeded of the first that does not fit.
void consume(const inherited_context* here, std::span<const charge> charges, const std::string& scope);
/// The same for one, without a lock.
void consume(const inherited_context* here, const charge& one, const std::string& scope);

}  // namespace workit::detail
