// A call that is made in this process: the trampoline run as a worker would, and what came of it.
#pragma once

#include <exception>
#include <workit/workers/detail/remote_call.hpp>

namespace workit::workers {

/// Made off the stack that run() is called on, from where it may never return: what is kept is written where a task
/// cannot be left, whole or not at all.
class local_call {
 public:
  /// `call` outlives it.
  explicit local_call(const remote_call& call) : call_(call) {}

  /// Makes the call. `self` is a local_call.
  static void run(void* self) noexcept;

  /// A stop that comes from then on is too late.
  [[nodiscard]] bool committed() const noexcept { return has_value_ || gave_up_ || error_ != nullptr; }
  /// It left by worker_context::check().
  [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }
  /// Null unless it threw something else.
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
  /// Once, when it has one.
  [[nodiscard]] encoded_result take_value() { return std::move(value_); }

 private:
  const remote_call& call_;
  encoded_result value_;
  std::exception_ptr error_;
  bool has_value_ = false;
  bool gave_up_ = false;
};

}  // namespace workit::workers
