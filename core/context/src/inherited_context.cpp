// inherited_context: what scopes inherit, and charges on it.
#include <workit/context/detail/inherited_context.hpp>

#include <algorithm>
#include <workit/base/errors.hpp>

#include <workit/base/detail/check_option.hpp>

namespace workit::detail {
namespace {

/// The account and the units that `c` is about.
budget_account::part part_of(const inherited_context* here, const charge& c, const std::string& scope) {
  auto* account = here != nullptr ? here->account(*c.key) : nullptr;
  if (account == nullptr) throw budget_not_set(c.key->name(), scope);
  return {account, c.how_much.in_units(c.key->digits())};
}

std::uint64_t number_of(const budget_account::part& p) noexcept { return p.account->key().number(); }

/// One part for each account, in the order of locking.
void merge(std::vector<budget_account::part>& parts) {
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
  auto last = parts.begin();
  for (auto next = last + 1; next < parts.end(); ++next) {
    if (next->account != last->account)
      *++last = *next;
    else if (__builtin_add_overflow(last->units, next->units, &last->units))
      throw invalid_amount("the sum of the charges on \"" + next->account->key().name() + '"');
  }
  parts.erase(last + 1, parts.end());
}

}  // namespace

inherited_context::ptr inherited_context::below(const ptr& outer, const values& own,
                                                std::span<const budget_limit> limits, const cancel_cell::ptr& owner) {
  if (own.empty() && limits.empty()) return outer;
  auto here = outer != nullptr ? std::make_shared<inherited_context>(*outer) : std::make_shared<inherited_context>();
  here->values_ = here->values_.with(own);
  for (const auto& limit : limits) {
    auto account = std::make_shared<budget_account>(limit, owner);
    const auto* before = here->account(*limit.key);
    WORKIT_CHECK_OPTION(before == nullptr || (outer != nullptr && before == outer->account(*limit.key)),
                        "a scope is given two budgets of \"" + limit.key->name() + "\": it may have one of a key");
    if (limit.key == &telemetry_budget) here->telemetry_ = std::make_shared<telemetry_meter>(account);
    here->accounts_ = here->accounts_.with(limit.key->number(), std::move(account));
  }
  return here;
}

budget_account* inherited_context::account(const budget_key& key) const noexcept {
  return accounts_.find(key.number());
}

std::vector<budget_state> inherited_context::budgets() const {
  std::vector<budget_state> all;
  accounts_.for_each([&](const budget_account& a) { all.push_back(a.state()); });
  return all;
}

void consume(const inherited_context* here, const charge& one, const std::string& scope) {
  const auto part = part_of(here, one, scope);
  part.account->charge(part.units);
}

void consume(const inherited_context* here, std::span<const charge> charges, const std::string& scope) {
  if (charges.empty()) return;
  std::vector<budget_account::part> parts;
  parts.reserve(charges.size());
  for (const auto& c : charges) parts.push_back(part_of(here, c, scope));
  merge(parts);
  budget_account::charge_all(parts);
}

}  // namespace workit::detail
