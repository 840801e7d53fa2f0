// remote_budgets: budgets that another process keeps, such as the host of this worker.
#pragma once

#include <optional>
#include <span>
#include <workit/context/budget.hpp>

namespace workit::detail {

/// Asked for the budgets that no scope of a runtime has; see runtime::ask_for_budgets(). Threads: any.
class remote_budgets {
 public:
  virtual ~remote_budgets() = default;
  /// As context::consume, for all of `charges` or none. Blocks: until it is decided.
  virtual void consume(std::span<const charge> charges) = 0;
  /// As context::budget. Blocks: until it is answered.
  [[nodiscard]] virtual std::optional<budget_state> budget(const budget_key& key) = 0;
};

}  // namespace workit::detail
