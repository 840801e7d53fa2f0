// offload at boundary::cooperative: on an arena of oneTBB, stopped when it asks, or at the end of a TBB task of its
// own.
//
// Invariants
// 1. The one that moves the call out of `queued` decides: the arena's thread begins it, or the warden withdraws it.
// 2. The group is cancelled by stop_in_place() alone, which the warden calls only while its lease keeps the call alive.
#include "boundary_call.hpp"

#include <sys/resource.h>
#include <tbb/task_group.h>
#include <time.h>

#include <atomic>
#include <optional>
#include <variant>
#include <workit/base/errors.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/workers/arena.hpp>

#include "local_call.hpp"
#include "task_frame.hpp"

namespace workit::detail {
namespace {

using instant = std::chrono::steady_clock;

class cooperative_call final : public boundary_call,
                               public preempt::lease,
                               public std::enable_shared_from_this<cooperative_call> {
 public:
  cooperative_call(const call_site& site, arena_service& arena, preempt::warden& warden)
      : boundary_call(site),
        lease(site.cell, boundary::cooperative),
        name_(site.ctx.name()),
        call_(site.call),
        until_(site.until),
        arena_(arena),
        warden_(warden) {}

  [[nodiscard]] std::shared_ptr<receipt_slot> stop() const override { return stopped_; }
  [[nodiscard]] const worker_usage& used() const override { return used_; }
  workers::encoded_result take() override {
    if (outcome_->gave_up()) throw start_failed("task \"" + name_ + "\" cancelled itself");
    if (outcome_->error() != nullptr) std::rethrow_exception(outcome_->error());
    return outcome_->take_value();
  }

  // The call can only be asked: it leaves the warden's list at its end.
  [[nodiscard]] preempt::stop_claim claim_stop() noexcept override {
    using answer = preempt::stop_claim::answer;
    auto was = state::queued;
    if (state_.compare_exchange_strong(was, state::ended)) return {answer::withdrawn};
    return {was == state::running ? answer::in_place : answer::completed};
  }
  void stop_in_place() noexcept override {
    asked_.store(1, std::memory_order_release);
    group_.cancel_group_execution();
  }
  void stopped(std::shared_ptr<receipt_slot> opened) noexcept override {
    auto receipt = opened->get();
    receipt.reclaimed = receipt.stopped;
    end_with(std::make_shared<receipt_slot>(std::move(receipt)));
  }

 private:
  enum class state : std::uint8_t { queued, running, ended };

  void submit() override {
    submitted_ = instant::now();
    warden_.enlist(shared_from_this());
    arena_.enqueue([self = shared_from_this()] { self->run(); });
  }

  void run() {
    auto was = state::queued;
    if (!state_.compare_exchange_strong(was, state::running)) return;
    launched_ = instant::now();
    outcome_.emplace(call_);
    workers::task_frame frame(asked_, 1, until_);
    // In a group of its own, so that what it starts in parallel belongs to it, and is cancelled with it.
    tbb::task_group(group_).run_and_wait([&] { workers::local_call::run(&*outcome_); });
    frame.finish();
    state_.store(state::ended);
    warden_.retire(*this);
    const auto* why = cell->record();
    if (why == nullptr || (outcome_->committed() && !outcome_->gave_up())) return end_with(nullptr);
    auto receipt = stop_receipt::for_request(*why, boundary::cooperative, stop_method::cooperative);
    receipt.set_proof(stop_proof::returned, instant::now());
    receipt.reclaimed = receipt.stopped;
    end_with(std::make_shared<receipt_slot>(std::move(receipt)));
  }

  void end_with(std::shared_ptr<receipt_slot> stop) {
    const auto now = instant::now();
    const bool launched = launched_ != time_point{};
    used_.queued = (launched ? launched_ : now) - submitted_;
    used_.ran = launched ? now - launched_ : duration::zero();
    stopped_ = std::move(stop);
    settle();
  }

  const std::string name_;
  const workers::remote_call& call_;
  const deadline_point until_;
  arena_service& arena_;
  preempt::warden& warden_;
  tbb::task_group_context group_{tbb::task_group_context::isolated};
  std::atomic<state> state_{state::queued};
  std::atomic<std::uint32_t> asked_{0};
  std::optional<workers::local_call> outcome_;
  std::shared_ptr<receipt_slot> stopped_;
  worker_usage used_;
  time_point submitted_{};
  time_point launched_{};
};

}  // namespace

std::shared_ptr<boundary_call> make_cooperative_call(const call_site& site) {
  const auto& wanted = site.options.pool;
  auto& owner = site.ctx.runtime();
  auto* const found =
      owner.find_service<arena_service>([&](const arena_service& a) { return wanted.empty() || a.name() == wanted; });
  if (found == nullptr)
    throw start_failed(wanted.empty() ? "offload at boundary::cooperative needs an arena, " +
                                            why_no_pool(site.ctx, "workit::arena()")
                                      : "offload: this runtime has no arena called \"" + wanted + "\"");
  return std::make_shared<cooperative_call>(site, *found, found->warden());
}

}  // namespace workit::detail
