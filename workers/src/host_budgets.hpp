// Budgets across the boundary: a worker charges those of its host.
#pragma once

#include <memory>
#include <workit/context.hpp>
#include <workit/detail/far_budgets.hpp>

#include "line.hpp"

namespace workit::workers {

/// For the worker: asks the host, over the line, and waits for its answer. `tell` sends a packet. Keys are matched by
/// their names.
[[nodiscard]] std::shared_ptr<workit::detail::far_budgets> make_host_budgets(int line, void (*tell)(const bytes&));

/// For the host: charges the budgets of `ctx`, or looks at one. Threads: those of ctx.
[[nodiscard]] charge_answer answer_charges(context& ctx, const told_charges& asked) noexcept;

}  // namespace workit::workers
