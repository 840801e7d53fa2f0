// The budgets of the host, as the tasks of a worker charge them.
#pragma once

#include <memory>
#include <workit/context/detail/remote_budgets.hpp>

#include "task_channel.hpp"

namespace workit::workers {

/// Asks the host, over the task channel, and waits for its answer. `tell` sends a packet. Keys are matched by their
/// names.
[[nodiscard]] std::shared_ptr<workit::detail::remote_budgets> make_host_budgets(int line, void (*tell)(const bytes&));

}  // namespace workit::workers
