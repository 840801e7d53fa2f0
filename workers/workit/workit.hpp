// All that a program needs of workit: scopes, tasks, runtime, channels, locks, workers. What a program includes when it
// watches itself is apart: the events in <workit/base/event.hpp>, findings in <workit/status/diagnose.hpp>. I/O is in
// <workit/use_fiber.hpp>, recorders and exporters are in <workit/observe/...>, agents in <workit/agent/...>: each a
// target of its own.
#pragma once

#include <workit/base/errors.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/compose.hpp>
#include <workit/preempt/no_preempt_scope.hpp>
#include <workit/scope/lazy_resource.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/scope/scope.hpp>
#include <workit/scope/shared_resource.hpp>
#include <workit/scope/snapshot.hpp>
#include <workit/status/render_tree.hpp>
#include <workit/wait/channel.hpp>
#include <workit/wait/condition_variable.hpp>
#include <workit/wait/manual_reset_event.hpp>
#include <workit/wait/mutex.hpp>
#include <workit/wait/semaphore.hpp>
#include <workit/work.hpp>
#include <workit/workers/arena.hpp>
#include <workit/workers/init.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/processes.hpp>
#include <workit/workers/shared_buffer.hpp>
#include <workit/workers/threads.hpp>
#include <workit/workers/worker_channel.hpp>
#include <workit/workers/worker_context.hpp>
