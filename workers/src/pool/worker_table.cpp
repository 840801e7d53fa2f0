// worker_table: see the header.
#include "worker_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <workit/base/assert.hpp>

namespace workit::workers {
namespace {

bool is_starting(worker_state s) noexcept { return s == worker_state::starting || s == worker_state::preparing; }
bool is_busy(worker_state s) noexcept { return s == worker_state::running || s == worker_state::collecting; }

}  // namespace

void worker_table::reserve(const worker_handle& worker) noexcept {
  ++worker.from->starting;
  ++alive_;
}

void worker_table::add(handle worker) {
  const auto number = worker->number;
  workers_.emplace(number, std::move(worker));
}

void worker_table::forgo(const worker_handle& worker) noexcept {
  --worker.from->starting;
  --alive_;
}

worker_table::handle worker_table::find(std::uint32_t number) const {
  const auto found = workers_.find(number);
  return found != workers_.end() ? found->second : nullptr;
}

void worker_table::enter(const handle& worker, worker_state next) {
  WORKIT_ASSERT(worker->state != worker_state::lost, "a lost worker was to change its state: it is never used again");
  auto& group = *worker->from;
  const auto before = worker->state;
  group.starting -= is_starting(before);
  group.busy -= is_busy(before);
  busy_ -= is_busy(before);
  if (before == worker_state::idle)  // mostly the last one: it is the next to be given a task
    group.idle.erase(std::next(std::find(group.idle.rbegin(), group.idle.rend(), worker)).base());
  worker->state = next;
  group.starting += is_starting(next);
  group.busy += is_busy(next);
  busy_ += is_busy(next);
  if (next == worker_state::idle) {
    worker->idle_since = std::chrono::steady_clock::now();
    group.idle.push_back(worker);
  }
  if (next != worker_state::lost) return;
  --alive_;
  kept_ -= worker->kept();
}

void worker_table::give(const handle& worker, std::shared_ptr<job> task) {
  enter(worker, worker_state::running);
  ++worker->tasks;
  worker->task = std::move(task);
}

bool worker_table::has_task(const worker_handle& worker, const job& task) noexcept {
  return is_busy(worker.state) && worker.task.get() == &task;
}

void worker_table::park(const handle& worker) {
  worker->task.reset();
  kept_ -= worker->kept();
  worker->rewind(payload_memory_ - std::min(kept_, payload_memory_));
  kept_ += worker->kept();
  enter(worker, worker_state::idle);
}

std::optional<time_point> worker_table::give_back_payloads(time_point now, duration kept_for) {
  constexpr std::size_t slice = std::size_t{1} << 20;
  std::optional<time_point> next;
  bool gave = false;
  for (const auto& [number, worker] : workers_) {
    if (worker->state != worker_state::idle || worker->kept() == 0) continue;
    auto at = worker->idle_since + kept_for;
    if (at <= now) {
      at = now + payload_pause;
      if (!std::exchange(gave, true)) {
        const auto before = worker->kept();
        worker->give_back(slice);
        kept_ -= before - worker->kept();
        if (worker->kept() == 0) continue;
      }
    }
    if (!next || at < *next) next = at;
  }
  return next;
}

void worker_table::lose(const handle& worker) {
  worker->task.reset();
  enter(worker, worker_state::lost);
  if (worker->reclaimed) workers_.erase(worker->number);
}

void worker_table::reclaimed(const handle& worker) {
  worker->reclaimed = true;
  if (!worker->task) workers_.erase(worker->number);
}

void worker_table::drop(const handle& worker) {
  enter(worker, worker_state::lost);
  workers_.erase(worker->number);
}

worker_table::collection worker_table::collect(std::size_t loop) {
  collection found;
  if (busy_ == 0) return found;
  for (const auto& [number, worker] : workers_) {
    if (worker->state != worker_state::running || worker->task->terms.loop != loop) continue;
    // The word first: all messages that were sent before the commit are counted then.
    const bool committed = worker->word() == worker->word_in(phase::committed) ||
                           worker->task->has_committed_.load(std::memory_order_acquire);
    if (const auto said = worker->control().messages_sent.load(std::memory_order_acquire); said != worker->heard) {
      worker->heard = said;
      found.telling.push_back({worker->task, worker});
    }
    if (committed) {
      enter(worker, worker_state::collecting);
      found.done.push_back({worker->task, worker});
    } else if (worker->has_crashed()) {
      found.crashing.push_back({worker->task, worker});
    }
  }
  return found;
}

std::vector<worker_table::handle> worker_table::lose_parked(const zygote_group& from) {
  std::vector<handle> lost;
  for (const auto& [number, worker] : workers_) {
    if (worker->from.get() != &from) continue;
    if (worker->state != worker_state::idle && worker->state != worker_state::preparing) continue;
    enter(worker, worker_state::lost);
    lost.push_back(worker);
  }
  return lost;
}

std::vector<worker_table::orphan> worker_table::take_orphans(const zygote_group& from, with_tasks those) {
  std::vector<orphan> orphans;
  for (auto at = workers_.begin(); at != workers_.end();) {
    const auto worker = at->second;
    if (worker->from.get() != &from) {
      ++at;
      continue;
    }
    const auto before = worker->state;
    if (!is_busy(before) && before != worker_state::lost) enter(worker, worker_state::lost);
    if (before == worker_state::starting) {  // if it was forked, the kernel kills it with its parent
      at = workers_.erase(at);
      continue;
    }
    // One that was reclaimed only waits for its collector, which closes its pidfd: that must not be watched any more.
    if (!worker->orphaned && !worker->reclaimed)
      orphans.push_back({worker, is_busy(before) && those == with_tasks::go_on});
    if (worker->orphaned && worker->exited) orphans.push_back({worker, false, true});
    worker->orphaned = true;
    ++at;
  }
  return orphans;
}

bool worker_table::is_orphan(std::uint32_t number) const {
  const auto worker = find(number);
  return worker != nullptr && worker->orphaned;
}

void worker_table::clear() {
  for (const auto& [number, worker] : workers_)
    if (worker->state != worker_state::lost) enter(worker, worker_state::lost);
  workers_.clear();
}

}  // namespace workit::workers
