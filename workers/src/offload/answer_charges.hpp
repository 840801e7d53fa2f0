// The host's answer to a worker that charges the host's budgets.
#pragma once

#include <workit/scope/context.hpp>

#include "task_channel.hpp"

namespace workit::workers {

/// Charges the budgets of `ctx`, or looks at one, as `asked` says. Threads: those of ctx.
[[nodiscard]] charge_answer answer_charges(context& ctx, const charges_message& asked) noexcept;

}  // namespace workit::workers
