// stop_round: see the header for what it promises.
//
// Invariant: no stopped() before its proof. A withdrawn task never began; one barrier that began after the round's last
// kill proves every kill of the round; anything else waits for the exit of its process.
#include "stop_round.hpp"

#include <chrono>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/preempt/proof.hpp>

namespace workit::preempt {
namespace {

using answer = stop_claim::answer;

stop_receipt open_receipt(const claimed_stop& stop, const cancel_record* cause) {
  if (cause == nullptr) cause = stop.task->cell->record();
  WORKIT_ASSERT(
      cause != nullptr,
      "warden::cancelled() was told of a cell that is not cancelled: only cancel_cell::request() leads there");
  const auto method = stop.claim.what == answer::kill ? stop_method::killed : stop_method::withdrawn;
  auto receipt = stop_receipt::for_request(*cause, stop.task->where, method);
  receipt.worker = stop.claim.worker;
  return receipt;
}

bool kill(const claimed_stop& stop) noexcept {
  const auto answered = send_kill(stop.claim.pidfd);
  if (answered == kill_answer::denied) stop.task->ask_to_kill();
  return answered == kill_answer::sent;
}

}  // namespace

void unproven_stop::prove(stop_proof by, time_point at) noexcept {
  receipt.set_proof(by, at);
  task->stopped(std::make_shared<receipt_slot>(std::move(receipt)));
}

std::vector<unproven_stop> stop_round(std::vector<claimed_stop> round, stop_proof in_use, const cancel_record* cause) {
  bool any_sent = false;
  for (auto& stop : round) {  // sends every kill before awaiting any proof, so one slow death delays no other
    if (stop.claim.what == answer::in_place) stop.task->stop_in_place();
    if (stop.claim.what == answer::kill) stop.kill_is_sent = kill(stop);
    any_sent |= stop.kill_is_sent;
  }
  const bool proven = any_sent && in_use == stop_proof::barrier && barrier();
  const auto at = std::chrono::steady_clock::now();

  std::vector<unproven_stop> left;
  for (auto& claimed : round) {
    if (claimed.claim.what == answer::in_place) continue;
    auto receipt = open_receipt(claimed, cause);
    unproven_stop stop{std::move(claimed.task), claimed.claim, std::move(receipt)};
    if (stop.claim.what == answer::withdrawn)
      stop.prove(stop_proof::returned, at);
    else if (proven && claimed.kill_is_sent)
      stop.prove(stop_proof::barrier, at);
    else
      left.push_back(std::move(stop));
  }
  return left;
}

void await_exits(std::vector<unproven_stop> stops, deadline_point until) noexcept {
  for (auto& stop : stops) {
    const bool exited = wait_for_exit(stop.claim.pidfd, until);
    stop.prove(exited ? stop_proof::pidfd : stop_proof::none, std::chrono::steady_clock::now());
  }
}

}  // namespace workit::preempt
