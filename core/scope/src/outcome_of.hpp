// outcome_of: the outcome of a scope, by the reason of its cancellation.
#pragma once

#include <variant>
#include <workit/base/reason.hpp>
#include <workit/scope/scope_receipt.hpp>

namespace workit::detail {

/// Whether work was cancelled because other work had failed.
inline bool is_failure(const cancel_reason& why) noexcept {
  return std::holds_alternative<reason::parent_failed>(why) || std::holds_alternative<reason::sibling_failed>(why);
}

/// Null for a scope that was not cancelled.
inline scope_outcome outcome_of(const cancel_reason* why) noexcept {
  if (why == nullptr) return scope_outcome::completed;
  return is_failure(*why) || std::holds_alternative<reason::budget>(*why) ? scope_outcome::errored
                                                                          : scope_outcome::cancelled;
}

}  // namespace workit::detail
