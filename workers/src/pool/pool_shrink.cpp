// Letting workers go that a pool has had no task for, and the memory that they keep.
#include <utility>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// More losses than that are not kept while their successors are awaited.
constexpr std::size_t most_losses = 4096;

}  // namespace

void pool_core::arm_shrink_timer() {
  if (zygotes_.serving() == nullptr) return;
  if (const auto at = size_.shrink_at(*zygotes_.serving(), demand())) shrink_.set_at(*at);
}

void pool_core::on_shrink_timer() {
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    if (!shrink_.take_fired()) return;
    shrink_.expired();
    if (zygotes_.serving() == nullptr || life_ != life::open) return;
    const auto now = std::chrono::steady_clock::now();
    const auto& serving = *zygotes_.serving();
    for (auto at = size_.shrink_at(serving, demand()); at && *at <= now; at = size_.shrink_at(serving, demand())) {
      auto coldest = serving.idle.front();
      lose(coldest);
      todo.kill(std::move(coldest));
      ++counts_.shrunk;
    }
    arm_shrink_timer();
  }
  run(std::move(todo));
}

void pool_core::on_payload_timer() {
  const auto now = std::chrono::steady_clock::now();
  const auto frames = give_back_large_blocks(now - payloads_kept_for);
  const thread_lock guard(mutex_);
  if (!payloads_.take_fired()) return;
  payloads_.expired();
  auto next = workers_.give_back_payloads(now, payloads_kept_for);
  if (frames == kept_blocks::old) next = now + payload_pause;
  if (next)
    payloads_.set_at(*next);
  else if (workers_.keeps_payloads() || frames != kept_blocks::none)  // by workers with a task, or by this process
    payloads_.set_after(payloads_kept_for);
}

void pool_core::forget_old_losses() {
  const auto& serving = zygotes_.serving();
  losses_.keep_newest(serving == nullptr || serving->alive() < wanted() ? most_losses : serving->starting);
}

}  // namespace workit::workers
