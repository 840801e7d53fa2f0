// All of workit but Asio: scopes, tasks, runtime, worker processes. <workit/use_fiber.hpp> brings the I/O.
#pragma once

#include <workit/base/errors.hpp>
#include <workit/runtime.hpp>
#include <workit/scope.hpp>
#include <workit/workers/init.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/processes.hpp>
