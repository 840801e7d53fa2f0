// settled_tasks: the last tasks of a scope that have ended, as records without value and body.
#pragma once

#include <vector>
#include <workit/scope/detail/task_state.hpp>

namespace workit::detail {

/// What stays of a task.
struct settled_task {
  work_id id = 0;
  std::string name;
  task_kind kind{};
  bool background = false;
  task_status status{};
  time_point spawned, started, ended;
  std::exception_ptr error;
  std::optional<cancel_reason> why;
  time_point requested;  // machine time, of `why`
};

/// A ring of 32: a stream over an endless source runs in constant memory. Threads: the home loop's.
class settled_tasks {
 public:
  static constexpr std::size_t kept = 32;

  /// The place of a new record: that of the oldest one, once there are 32. What was in it is to be overwritten.
  [[nodiscard]] settled_task& next() {
    if (records_.size() < kept) return records_.emplace_back();
    return records_[std::exchange(oldest_, (oldest_ + 1) % kept)];
  }
  /// In no order.
  [[nodiscard]] const std::vector<settled_task>& all() const noexcept { return records_; }

 private:
  std::vector<settled_task> records_;
  std::size_t oldest_ = 0;
};

}  // namespace workit::detail
