// outcome_of: the outcome of a scope, by the reason of its cancellation.
#pragma once

#include <variant>
#include <workit/base/reason.hpp>
#include <workit/scope/scope_receipt.hpp>

namespace workit::detail {

/// Null for a scope that was not cancelled.
inline scope_outcome outcome_of(const cancel_reason* why) noexcept {
  if (why == nullptr) return scope_outcome::completed;
  const bool failed = std::holds_alternative<reason::parent_failed>(*why) ||
                      std::holds_alternative<reason::sibling_failed>(*why) ||
                      std::holds_alternative<reason::budget>(*why);
  return failed ? scope_outcome::errored : scope_outcome::cancelled;
}

}  // namespace workit::detail
