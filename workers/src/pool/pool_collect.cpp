// Messages of running tasks, and the results they commit.
#include <utility>
#include <workit/preempt/proof.hpp>

#include "pool_core.hpp"
#include "task_end.hpp"

namespace workit::workers {

void pool_core::collect(std::size_t loop) {
  worker_table::collection found;
  {
    const thread_lock guard(mutex_);
    found = workers_.collect(loop);
  }
  for (const auto& l : found.telling) {
    const bool ended = l.worker->word() == l.worker->word_in(phase::committed);
    hear(l, ended ? packets_left::never : packets_left::for_later);
  }
  for (const auto& l : found.done) take_result(l);
  if (!found.crashing.empty()) end_crashing(found.crashing);
}

/// Takes in 64 packets of a running task and has the loop call again for the rest; of one that has ended, all that its
/// channel can hold.
void pool_core::hear(const launch& l, packets_left then) {
  constexpr int most_at_once = 64, most_in_channel = 10'000;
  for (int n = 0; n < (then == packets_left::for_later ? most_at_once : most_in_channel); ++n) {
    std::optional<packet> next;
    {
      const thread_lock one_at_a_time(l.worker->listening);
      next = receive(l.worker->channel());
      if (!next) return;
      if (take_part_of(l, *next)) continue;
    }
    if (!next->descriptors.empty())
      take_blocks_of(l, std::move(*next));
    else
      l.task->heard(next->content, l.worker);
  }
  {
    const thread_lock guard(mutex_);
    --l.worker->heard;
  }
  wake_loop_(l.task->terms.loop);
}

void pool_core::collect_soon(std::size_t loop) {
  warden_.post([self = shared_from_this(), loop] { self->wake_loop_(loop); });
}

/// Whether it was a piece of a value; if so, it was put into its channel. Requires: `listening`, which keeps the order.
bool pool_core::take_part_of(const launch& l, packet& came) {
  std::span<const std::byte> content(came.content.data(), came.content.size());
  const auto part = decode_part(content);
  if (!part) return false;
  const auto& channels = l.task->call.channels;
  if (part->generation == l.task->generation_ && part->place < channels.size())
    channels[part->place]->take(*part, content, std::move(came.descriptors));
  return true;
}

/// Skips blocks that may still change; a result needing one is treated as missing.
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
  const thread_lock guard(mutex_);
  l.task->blocks_ = std::move(blocks);
}

/// A worker that has noted its crash may take long to die. It is killed, and where a barrier proves that, its task is
/// settled before the worker's exit is reported.
void pool_core::end_crashing(const std::vector<launch>& crashing) {
  std::vector<launch> killed;
  for (const auto& l : crashing)
    if (kill(*l.worker)) killed.push_back(l);
  if (warden_.proof() != stop_proof::barrier || !preempt::barrier()) return;
  for (const auto& l : killed) task_died(l.worker, l.task, {.status = l.worker->noted_crash()});
}

attachments pool_core::blocks_for(job& task) {
  const thread_lock guard(mutex_);
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
  if (result && task->decide(job::state::running, job::state::completed)) return deliver(l, std::move(*result));
  // What it committed is no result: its death settles the task.
  if (!result) kill(*worker);
  bool exited = false;
  worker_end end;
  {
    const thread_lock guard(mutex_);
    if (worker->state == worker_state::collecting)  // else a stop has taken it meanwhile
      workers_.enter(worker, worker_state::running);
    exited = worker->exited;
    end = worker->end;
  }
  if (exited) task_died(worker, task, end);
}

void pool_core::deliver(const launch& l, job_result result) {
  const auto& [task, worker] = l;
  worker->read_usage(task->used);
  worker->take_output(task->used);
  if (std::holds_alternative<job_gave_up>(result)) result = end_by_giving_up(*task, worker->pid);
  const bool stopped = std::holds_alternative<job_stopped>(result);
  const bool spent = std::holds_alternative<job_exceeded>(result) || size_.is_spent(*worker);
  if (spent) kill(*worker);
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    outage_.task_ended();
    start_failures_.worked();
    counts_.recycled += spent;
    if (stopped) count_stop(*task, stop_method::cooperative, std::chrono::steady_clock::now());
    finished_ += !stopped;
    release(worker, *task, spent ? worker_state::lost : worker_state::idle, todo);
    launch_waiting(todo);
    todo.settle(task, std::move(result));
  }
  run(std::move(todo));
}

}  // namespace workit::workers
