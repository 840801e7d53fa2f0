// boundary_call: a fiber waits for a call behind a boundary.
//
// Invariants
// 1. The fiber does not go on before the call is settled: the call refers to it only until then.
// Lock order: there are no locks.
#include "boundary_call.hpp"

namespace workit::detail {

void boundary_call::run(std::shared_ptr<boundary_call> self, const char* what) {
  self_ = std::move(self);
  home_->operation_started();
  submit();
  home_->asked();
  waiter_.wait_shielded(what, [&] { return done_; });
  home_->operation_ended();
  if (stop() == nullptr) home_->answered();
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
