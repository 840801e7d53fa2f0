// answer_charges: see the header.
#include "answer_charges.hpp"

#include <algorithm>
#include <workit/base/errors.hpp>

namespace workit::workers {
namespace {

using verdict = charge_answer::verdict;

charge_answer refusal(const charges_message& asked, verdict why, std::string key) {
  return {.question = asked.question, .decided = why, .key = std::move(key)};
}

}  // namespace

charge_answer answer_charges(context& ctx, const charges_message& asked) noexcept try {
  const auto budgets = ctx.budgets();
  std::vector<charge> charges;
  for (const auto& part : asked.parts) {
    const auto found = std::ranges::find_if(budgets, [&](const auto& b) { return b.key->name() == part.key; });
    if (found == budgets.end()) return refusal(asked, verdict::not_set, part.key);
    const auto& key = *found->key;
    if (key.digits() != part.digits || part.units < 0) return refusal(asked, verdict::invalid, part.key);
    if (asked.only_look)
      return {.question = asked.question,
              .key = part.key,
              .unit = key.unit(),
              .digits = key.digits(),
              .limit = found->limit.in_units(key.digits()),
              .spent = found->spent.in_units(key.digits())};
    charges.emplace_back(key, amount::of_units(part.units, part.digits));
  }
  try {
    ctx.consume(charges);
  } catch (const budget_exceeded& e) {
    const auto digits = std::ranges::find_if(asked.parts, [&](const auto& p) { return p.key == e.key(); })->digits;
    return {.question = asked.question,
            .decided = verdict::refused,
            .key = e.key(),
            .unit = e.unit(),
            .digits = digits,
            .limit = e.limit().in_units(digits),
            .spent = e.spent().in_units(digits),
            .attempted = e.attempted().in_units(digits)};
  }
  return {.question = asked.question};
} catch (const std::exception& e) {
  return refusal(asked, verdict::invalid, e.what());
}

}  // namespace workit::workers
