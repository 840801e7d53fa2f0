// The host's budgets, as the tasks of a worker charge them.
#pragma once

#include <memory>
#include <workit/context/detail/remote_budgets.hpp>

#include "task_channel.hpp"

namespace workit::workers {

/// Each charge is one question to the host and one answer, matched by the keys' names. `socket` is the worker's end of
/// the task channel, `send` sends one packet on it. Blocks: the thread, until the answer. Errors: workit::error when
/// the host has ended.
[[nodiscard]] std::shared_ptr<workit::detail::remote_budgets> make_host_budgets(int socket, void (*send)(const bytes&));

}  // namespace workit::workers
