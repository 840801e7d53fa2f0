// What running tasks tell their host, and the results they leave.
#include <unistd.h>

#include <utility>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"

namespace workit::workers {

void pool_core::collect(std::size_t loop) {
  std::vector<launch> telling, done, crashing;
  {
    const lock guard(mutex_);
    if (busy() == 0) return;
    for (auto& [number, worker] : workers_) {
      if (worker->state != worker_state::running || worker->task->terms.loop != loop) continue;
      // In this order: all that it has said before it committed is known then.
      const bool committed = worker->word() == worker->word_in(phase::committed);
      if (const auto said = worker->control().said.load(std::memory_order_acquire); said != worker->heard) {
        worker->heard = said;
        telling.push_back({worker->task, worker});
      }
      if (committed) {
        enter(worker, worker_state::collecting);
        done.push_back({worker->task, worker});
      } else if (worker->control().crash.signal.load(std::memory_order_acquire) != 0) {
        crashing.push_back({worker->task, worker});
      }
    }
  }
  for (const auto& l : telling) {
    const bool ended = l.worker->word() == l.worker->word_in(phase::committed);
    hear(l, ended ? packets_left::never : packets_left::for_later);
  }
  for (const auto& l : done) take_result(l);
  if (!crashing.empty()) end_crashing(crashing);
}

/// Of a task that runs, so many packets at once: it has the rest heard after the loop has had its turn. Of one that has
/// ended, all that the line can hold.
void pool_core::hear(const launch& l, packets_left then) {
  constexpr int most_at_once = 64, most_in_line = 10'000;
  for (int n = 0; n < (then == packets_left::for_later ? most_at_once : most_in_line); ++n) {
    std::optional<packet> next;
    {
      const std::lock_guard one_at_a_time(l.worker->listening);
      next = receive(l.worker->line());
      if (!next) return;
      if (take_part_of(l, *next)) continue;
    }
    if (!next->descriptors.empty())
      take_blocks_of(l, std::move(*next));
    else
      l.task->heard(next->content, l.worker);
  }
  {
    const lock guard(mutex_);
    --l.worker->heard;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto rung = ::write(loops_[l.task->terms.loop], &one, sizeof one);
}

/// Whether it was a piece of a value; then it is in its channel, in its order, whoever else listens.
bool pool_core::take_part_of(const launch& l, packet& came) {
  std::span<const std::byte> content(came.content.data(), came.content.size());
  const auto part = decode_part(content);
  if (!part) return false;
  const auto& channels = l.task->call.channels;
  if (part->generation == l.task->generation_ && part->place < channels.size())
    channels[part->place]->take(*part, content, std::move(came.descriptors));
  return true;
}

/// What could still change is left out, and the result that needs it is none then.
void pool_core::take_blocks_of(const launch& l, packet came) {
  const auto said = decode(came.content);
  const auto* which = said ? std::get_if<blocks_message>(&*said) : nullptr;
  if (which == nullptr || which->generation != l.worker->generation) return;
  attachments blocks;
  try {
    take_blocks(std::move(came.descriptors), blocks);
  } catch (const std::exception&) {
    return;
  }
  const lock guard(mutex_);
  l.task->blocks_ = std::move(blocks);
}

/// A worker that has noted its crash may take long to die. It is helped along, and with a proof there is no need to
/// wait for its exit.
void pool_core::end_crashing(const std::vector<launch>& crashing) {
  std::vector<launch> killed;
  for (const auto& l : crashing)
    if (kill_worker(*l.worker)) killed.push_back(l);
  if (warden_.proof() != stop_proof::barrier || !preempt::barrier()) return;
  for (const auto& l : killed) task_died(l.worker, l.task, {.status = l.worker->control().crash.signal.load() & 0x7f});
}

attachments pool_core::blocks_for(job& task) {
  const lock guard(mutex_);
  return std::exchange(task.blocks_, {});
}

void pool_core::take_result(const launch& l) {
  const auto& [task, worker] = l;
  std::optional<job_result> result;
  try {
    result = worker->read_result(blocks_for(*task));
  } catch (const std::bad_alloc&) {
    result = job_exception{"std::bad_alloc", "the host has no memory for the result"};
  }
  if (result && task->decide(job::state::running, job::state::completed)) {
    worker->read_usage(task->used);
    worker->take_output(task->used);
    if (std::holds_alternative<job_gave_up>(*result)) result = gave_up(*task, worker->pid);
    const bool stopped = std::holds_alternative<job_stopped>(*result);
    const bool spent = std::holds_alternative<job_exceeded>(*result) || is_spent(*worker);
    if (spent) kill_worker(*worker);
    deferred_actions todo;
    {
      const lock guard(mutex_);
      zygote_deaths_ = 0;
      start_deaths_ = 0;
      counts_.recycled += spent;
      if (stopped) count_stop(*task, stop_method::cooperative, std::chrono::steady_clock::now());
      finished_ += !stopped;
      release(worker, *task, spent ? worker_state::lost : worker_state::idle, todo);
      take_launches(todo);
      todo.settle(task, std::move(*result));
    }
    return run(std::move(todo));
  }
  // What it committed is no result: its death settles the task.
  if (!result) kill_worker(*worker);
  bool exited = false;
  worker_end end;
  {
    const lock guard(mutex_);
    if (worker->state == worker_state::collecting) enter(worker, worker_state::running);  // else stopped meanwhile
    exited = worker->exited;
    end = worker->end;
  }
  if (exited) task_died(worker, task, end);
}

}  // namespace workit::workers
