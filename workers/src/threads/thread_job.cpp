// The lease side of a thread_job: what the warden and the ladder ask of it.
#include <workit/workers/detail/thread_job.hpp>

#include "thread_pool_core.hpp"

namespace workit::workers {

duration thread_job::ask() noexcept {
  if (terms.grace <= duration::zero() || state_.load(std::memory_order_acquire) != state::running)
    return duration::zero();
  asked_.store(1, std::memory_order_release);
  return terms.grace;
}

preempt::stop_claim thread_job::claim_stop() noexcept {
  using answer = preempt::stop_claim::answer;
  if (decide(state::queued, state::ended)) return {answer::withdrawn};
  if (state_.load(std::memory_order_acquire) != state::running) return {answer::completed};
  return {answer::in_place};
}

void thread_job::stopped(std::shared_ptr<receipt_slot> receipt) noexcept {
  pool_->withdrawn(*this, std::move(receipt));
}

void thread_job::stop_in_place() noexcept {
  asked_.store(1, std::memory_order_release);
  pool_->begin_stop(shared_from_this());
  kicked(thread_->kicked_on());
}

bool thread_job::kick() noexcept {
  const auto now = state_.load(std::memory_order_acquire);
  return (now == state::running || now == state::refused) && thread_->kick(number_);
}

bool thread_job::give_up() noexcept { return pool_->refuse(*this); }

}  // namespace workit::workers
