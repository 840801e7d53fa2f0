// All of workit but Asio: scopes, tasks, runtime, channels, locks, worker processes; I/O is in <workit/use_fiber.hpp>.
#pragma once

#include <workit/attempt_recorder.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/channel.hpp>
#include <workit/compose.hpp>
#include <workit/condition_variable.hpp>
#include <workit/diagnose.hpp>
#include <workit/event_sink.hpp>
#include <workit/lazy_resource.hpp>
#include <workit/manual_reset_event.hpp>
#include <workit/mutex.hpp>
#include <workit/receipt_recorder.hpp>
#include <workit/render_tree.hpp>
#include <workit/runtime.hpp>
#include <workit/scope.hpp>
#include <workit/semaphore.hpp>
#include <workit/shared_resource.hpp>
#include <workit/snapshot.hpp>
#include <workit/work.hpp>
#include <workit/workers/init.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/processes.hpp>
#include <workit/workers/shared_buffer.hpp>
#include <workit/workers/threads.hpp>
#include <workit/workers/worker_context.hpp>
