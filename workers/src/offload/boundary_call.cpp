// boundary_call: a fiber waits for a call behind a boundary.
//
// Invariants
// 1. The fiber does not go on before the call is settled: the call refers to it only until then.
// Lock order: there are no locks.
#include "boundary_call.hpp"

#include <workit/base/detail/process_scheduling.hpp>
#include <workit/scope/runtime.hpp>

namespace workit::detail {
namespace {

/// About what waking this thread would take.
constexpr duration spin_time = std::chrono::microseconds(50);

thread_local time_point answered_at{};  // when a call of this loop has last ended without a stop

}  // namespace

std::string why_no_pool(const context& ctx, const std::string& service) {
  if (ctx.runtime().remote_budgets() == nullptr)
    return "and this runtime has none: make it with workit::runtime rt({...}, " + service + ")";
  return "and the scope of a task in a worker process has none: let the host make this call, or give the work to a "
         "task "
         "without a context&, which may have a runtime of its own: workit::runtime rt({}, " +
         service + ")";
}

void boundary_call::spin_for_answer() noexcept {
  if (spinning_pays()) home_->spin_until(std::chrono::steady_clock::now() + spin_time);
}

void boundary_call::spin_if_awake() noexcept {
  if (std::chrono::steady_clock::now() - answered_at < spin_time) spin_for_answer();
}

void boundary_call::run(std::shared_ptr<boundary_call> self, const char* what) {
  self_ = std::move(self);
  home_->operation_started();
  submit();
  spin_if_awake();
  waiter_.wait_shielded(what, [&] { return done_; });
  home_->operation_ended();
  if (stop() == nullptr) answered_at = std::chrono::steady_clock::now();
  self_.reset();
}

void boundary_call::settle() noexcept {
  if (loop::current() == home_.get()) return wake();
  home_->post([self = self_] { self->wake(); });
}

void boundary_call::wake() noexcept {
  done_ = true;
  waiter_.wake();
}

}  // namespace workit::detail
