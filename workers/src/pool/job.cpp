// The lease side of a job: what the warden asks of it.
#include <workit/workers/detail/job.hpp>

#include "pool_core.hpp"
#include "worker_handle.hpp"

namespace workit::workers {
namespace {

/// A word that changes so often is written by a worker that does not keep to the protocol.
constexpr int most_attempts = 1000;

}  // namespace

duration job::ask() noexcept {
  if (terms.grace <= duration::zero() || state_.load(std::memory_order_acquire) != state::running)
    return duration::zero();
  const auto* decided = cell->record();
  worker_->ask(generation_, decided != nullptr ? decided->why : cancel_reason(reason::user{}));
  return terms.grace;
}

preempt::stop_claim job::claim_stop() noexcept {
  using answer = preempt::stop_claim::answer;
  if (decide(state::queued, state::withdrawn) || decide(state::launched, state::withdrawn)) return {answer::withdrawn};
  if (state_.load(std::memory_order_acquire) != state::running) return {answer::completed};
  const auto claimed = [&]() -> preempt::stop_claim {
    if (!decide(state::running, state::stopped)) return {answer::completed};  // it had died by then
    return {answer::kill, worker_->pidfd.get(), worker_->pid, worker_->control().life.word()};
  };
#ifdef WORKIT_WITHOUT_WINNER
  return claimed();  // the last one to come wins
#endif
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto seen = worker_->word();
    if (seen.generation() != generation_) return claimed();  // overwritten, or the next task's: then decided long since
    const control_word taken(generation_, phase::stopped);
    switch (seen.at()) {
      case phase::committed:  // it may have kept the news from its loop
        has_committed_.store(true, std::memory_order_release);
        if (pool_ != nullptr) pool_->collect_soon(terms.loop);
        return {answer::completed};
      case phase::stopped:
        return claimed();
      case phase::idle:  // the thread that is about to publish it will see the word
      case phase::running:
        if (worker_->change_word(seen, taken)) return claimed();
    }
  }
  return claimed();
}

void job::stopped(std::shared_ptr<receipt_slot> receipt) noexcept {
  const auto pool = pool_;  // may let go of it below
  pool->on_stopped(*this, std::move(receipt));
}

void job::ask_to_kill() noexcept { pool_->ask_zygote_to_kill(*worker_); }

}  // namespace workit::workers
