// Ordinary C++ that does not stop by itself.
#pragma once

#include <gtest/gtest.h>

#include <iosfwd>
#include <mutex>
#include <span>

#include "stopping_fixture.hpp"

namespace workit::test {

struct workload {
  const char* name;
  task_body body;
};

std::ostream& operator<<(std::ostream& to, const workload& w);

/// The workloads that are stopped at any instruction.
std::span<const workload> stoppable_workloads();

/// The mutex that some of them take, and that must be free after each stop.
std::mutex& shared_mutex_of_tasks();

}  // namespace workit::test
