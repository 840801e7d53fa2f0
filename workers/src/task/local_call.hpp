// A call that is made in this process: runs the trampoline as a worker would, and keeps its result.
#pragma once

#include <exception>
#include <workit/workers/detail/remote_call.hpp>

namespace workit::workers {

/// Stands outside the stack of run(), which may be left without a return. The result is written under a
/// no_preempt_scope: complete or not at all.
class local_call {
 public:
  /// `call` outlives it.
  explicit local_call(const remote_call& call) : call_(call) {}

  /// Makes the call. `self` is a local_call.
  static void run(void* self) noexcept;

  /// The result is complete: a stop has come too late.
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
