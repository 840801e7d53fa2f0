// How many workers a pool has, and for how long it has each.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "pool_core.hpp"
#include "worker_memory.hpp"

namespace workit::workers {
namespace {

/// Losses that nobody waits for any more are of no interest.
constexpr std::size_t most_losses = 4096;

/// A number of the worker's own between three quarters of `most` and all of it, the same in each run of the program.
std::uint64_t spread(std::uint64_t most, std::uint32_t worker, std::size_t pool) noexcept {
  std::uint64_t x = (pool ^ worker) * 0x9e3779b97f4a7c15U;  // the finalizer of SplitMix64 (Steele, Lea, Flood, 2014)
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  x ^= x >> 31;
  return most - x % (most / 4 + 1);
}

}  // namespace

std::size_t pool_core::wanted() const noexcept {
  const auto all = options_.workers + options_.spares;
  if (!options_.idle_shrink) return all;
  const auto demand =
      std::min(options_.workers, std::max(options_.min_workers, busy() + queue_.size() + queue_.outside()));
  return demand + options_.spares;
}

std::size_t pool_core::wanted_from(const zygote_group& b) const noexcept {
  const bool proven = &b == serving_.get() && life_ != life::starting;
  return std::max<std::size_t>(proven ? 0 : 1, wanted());  // the first one shows whether there can be any
}

bool pool_core::is_spent(const worker_handle& worker) const noexcept {
  if (worker.control().result.left_behind.load(std::memory_order_relaxed) != 0) return true;
  const auto pool = std::hash<std::string>()(options_.name);
  if (options_.max_tasks != 0 && worker.tasks >= spread(options_.max_tasks, worker.number, pool)) return true;
  if (options_.max_growth == 0) return false;
  const auto now = anonymous_memory_of(worker.pid);
  return now > worker.first_memory && now - worker.first_memory > spread(options_.max_growth, worker.number, pool);
}

/// For the worker that has been idle longest, if it may go.
void pool_core::arm_shrink_timer() {
  if (!options_.idle_shrink || shrink_armed_ || serving_ == nullptr || serving_->idle.empty()) return;
  if (serving_->alive() <= wanted()) return;
  shrink_armed_ = true;
  const auto at = serving_->idle.front()->idle_since + *options_.idle_shrink;
  const auto ns = std::chrono::nanoseconds(at.time_since_epoch()).count();
  const itimerspec when{{}, {ns / 1'000'000'000, ns % 1'000'000'000}};
  ::timerfd_settime(shrink_timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void pool_core::on_shrink_timer() {
  std::uint64_t times = 0;
  if (::read(shrink_timer_.get(), &times, sizeof times) != sizeof times) return;
  deferred_actions todo;
  {
    const lock guard(mutex_);
    shrink_armed_ = false;
    if (serving_ == nullptr || life_ != life::open) return;
    const auto coldest = std::chrono::steady_clock::now() - *options_.idle_shrink;
    while (!serving_->idle.empty() && serving_->idle.front()->idle_since <= coldest && serving_->alive() > wanted()) {
      const auto worker = serving_->idle.front();
      enter(worker, worker_state::lost);
      todo.kills.push_back(worker);
      ++counts_.shrunk;
    }
    arm_shrink_timer();
  }
  run(std::move(todo));
}

void pool_core::forget_old_losses() {
  const auto awaited = serving_ == nullptr || serving_->alive() < wanted() ? most_losses : serving_->starting;
  while (losses_.size() > awaited) losses_.pop_front();
}

}  // namespace workit::workers
