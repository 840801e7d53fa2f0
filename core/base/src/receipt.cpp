// receipt: methods and proofs as text, and the receipt that is completed later.
//
// Invariants
// 1. The receipt is completed once: by set_reclaimed() or give_up(). Each callback is called once: by these, or at once
//    by when_reclaimed() when the receipt is complete.
// Lock order: mutex_ is a leaf; callbacks run outside of it.
#include <workit/base/receipt.hpp>

namespace workit {

stop_receipt stop_receipt::for_request(cancel_record request, boundary where, stop_method method) {
  stop_receipt begun{.where = where, .method = method, .why = std::move(request.why)};
  begun.requested = request.at;
  return begun;
}

receipt_slot::receipt_slot(stop_receipt at_stop) : receipt_(std::move(at_stop)) {}

receipt_slot::~receipt_slot() = default;

std::string_view to_string(stop_method m) noexcept {
  switch (m) {
    case stop_method::withdrawn:
      return "withdrawn";
    case stop_method::cooperative:
      return "cooperative";
    case stop_method::abandoned:
      return "abandoned";
    case stop_method::refused:
      return "refused";
    case stop_method::killed:
      return "killed";
  }
  return "?";
}

std::string_view to_string(stop_proof p) noexcept {
  switch (p) {
    case stop_proof::none:
      return "none";
    case stop_proof::returned:
      return "returned";
    case stop_proof::landed:
      return "landed";
    case stop_proof::barrier:
      return "barrier";
    case stop_proof::notice:
      return "notice";
    case stop_proof::pidfd:
      return "pidfd";
  }
  return "?";
}

stop_receipt receipt_slot::get() const {
  const thread_lock lock(mutex_);
  return receipt_;
}

void receipt_slot::set_reclaimed(time_point at) {
  std::vector<std::function<void()>> then;
  {
    const thread_lock lock(mutex_);
    if (receipt_.reclaimed || given_up_) return;
    receipt_.reclaimed = at;
    then = std::move(then_);
  }
  for (auto& call : then) call();
}

void receipt_slot::give_up() {
  std::vector<std::function<void()>> then;
  {
    const thread_lock lock(mutex_);
    if (receipt_.reclaimed || std::exchange(given_up_, true)) return;
    then = std::move(then_);
  }
  for (auto& call : then) call();
}

void receipt_slot::when_reclaimed(std::function<void()> then) {
  {
    const thread_lock lock(mutex_);
    if (!receipt_.reclaimed && !given_up_) {
      then_.push_back(std::move(then));
      return;
    }
  }
  then();
}

}  // namespace workit
