// What the end of a task's worker, or its giving up, means for the task.
#pragma once

#include <string>
#include <workit/workers/detail/job.hpp>

#include "worker_handle.hpp"

namespace workit::workers {

/// The task stopped by itself: because it was asked to, or because the deadline that it shares with its host has
/// passed; otherwise it has cancelled its own scope, which is an error of its own.
[[nodiscard]] job_result end_by_giving_up(const job& task, pid_t worker);

/// The worker died while it had the task, and had committed no result. `limits`: those that were in force.
/// `published`: the worker could see the task.
[[nodiscard]] job_result end_by_death(const worker_handle& worker, const job& task, const worker_end& end,
                                      const limit_values& limits, const std::string& pool, bool published);

}  // namespace workit::workers
