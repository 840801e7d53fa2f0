// take_snapshot: one walk over a tree on its home loop. It suspends nowhere, so what it copies is of one instant.
#include "take_snapshot.hpp"

#include <algorithm>
#include <workit/base/worker_errors.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/scope_node.hpp>

namespace workit {

std::string_view to_string(scope_state s) noexcept {
  switch (s) {
    case scope_state::running:
      return "running";
    case scope_state::closing:
      return "closing";
    case scope_state::closed:
      return "closed";
  }
  return "?";
}

namespace detail {
namespace {

// A walk takes a few hundred bytes of stack for each level, and the caller may be a fiber.
constexpr std::size_t deepest = 100;

std::optional<stop_snapshot> stop_of(const cancel_record* record) {
  if (record == nullptr) return std::nullopt;
  return stop_snapshot{record->why, std::chrono::steady_clock::now() - record->at};
}

std::vector<scope_receipt::stop> stops_of(const node& n) {
  std::vector<scope_receipt::stop> all;
  all.reserve(n.stops().size());
  for (const auto& s : n.stops()) all.push_back({s.task, s.receipt->get()});
  return all;
}

bool is_cleanup(const node& n) {
  return dynamic_cast<const scope_node*>(&n) == nullptr && dynamic_cast<const task_state_base*>(&n) == nullptr;
}

// What the fiber of `n` waits for: by itself, in one of its cleanups, or in a scope that it has open.
std::string waits_for(const node& n) {
  if (n.body == nullptr || n.body->waits_for() == nullptr) return {};
  const auto* inside = node_of(*n.body);
  while (inside != &n && inside != nullptr && is_cleanup(*inside)) inside = inside->parent;
  return inside == &n ? n.body->waits_for() : "its scope";
}

void copy_scope(const scope_node& from, time_point now, std::size_t depth, scope_snapshot& to);

// The open scopes below `from`; those of a running cleanup count as its owner's.
void copy_scopes(const node& from, time_point now, std::size_t depth, std::vector<scope_snapshot>& to, bool& cleaning) {
  for (const auto* child = from.first_child; child != nullptr; child = child->next_sibling) {
    if (const auto* below = dynamic_cast<const scope_node*>(child)) {
      copy_scope(*below, now, depth + 1, to.emplace_back());
    } else if (is_cleanup(*child)) {
      cleaning = true;
      bool nested = false;
      copy_scopes(*child, now, depth, to, nested);
    }
  }
}

template <class Snapshots>
void in_order_of_begin(Snapshots& all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

void copy_said(const node& from, task_snapshot& to) {
  if (const auto* said = from.said()) {
    to.progress = said->pct;
    to.message = said->message;
  }
  // A retry runs each attempt in a scope of its own.
  for (const auto* child = from.first_child; child != nullptr; child = child->next_sibling)
    if (const auto* said = child->said(); said != nullptr && said->attempt != 0) to.attempt = said->attempt;
}

void copy_task(const task_state_base& from, time_point now, std::size_t depth, task_snapshot& to) {
  to.id = from.id;
  to.name = from.name;
  to.kind = from.kind;
  to.status = from.status();
  to.background = from.background;
  to.spawned = from.spawned_at;
  to.age = now - from.spawned_at;
  if (from.started_at != time_point{}) {
    to.started = from.started_at;
    to.took = now - from.started_at;
  }
  to.waits_for = to.started ? waits_for(from) : "its turn";
  copy_said(from, to);
  to.stopping = stop_of(from.ruling_cell().record());
  if (from.error()) to.failure = failure_of(from.error());
  to.stops = stops_of(from);
  copy_scopes(from, now, depth, to.scopes, to.in_cleanup);
  in_order_of_begin(to.scopes);
}

void copy_settled(const settled_task& from, task_snapshot& to) {
  to.id = from.id;
  to.name = from.name;
  to.kind = from.kind;
  to.status = from.status;
  to.background = from.background;
  to.spawned = from.spawned;
  to.age = from.ended - from.spawned;
  if (from.started != time_point{}) {
    to.started = from.started;
    to.took = from.ended - from.started;
  }
  if (from.why) to.stopping = stop_snapshot{*from.why, std::chrono::steady_clock::now() - from.requested};
  if (from.error) to.failure = failure_of(from.error);
}

void copy_tasks(const scope_node& from, time_point now, std::size_t depth, scope_snapshot& to) {
  for (const auto* child = from.first_child; child != nullptr; child = child->next_sibling) {
    const auto* task = dynamic_cast<const task_state_base*>(child);
    if (task == nullptr) continue;
    ++(task->status() == task_status::pending ? to.counts.pending : to.counts.running);
    copy_task(*task, now, depth, to.tasks.emplace_back());
  }
  if (from.settled != nullptr)
    for (const auto& record : from.settled->all()) copy_settled(record, to.tasks.emplace_back());
  in_order_of_begin(to.tasks);
}

void copy_scope(const scope_node& from, time_point now, std::size_t depth, scope_snapshot& to) {
  const auto* record = from.ruling_cell().record();
  to.id = from.id;
  to.name = from.name;
  using phase = scope_node::phase;
  to.state = from.now_in == phase::closed                         ? scope_state::closed
             : from.now_in == phase::closing || record != nullptr ? scope_state::closing
                                                                  : scope_state::running;
  to.taken = now;
  to.opened = from.opened_at;
  to.open = now - from.opened_at;
  to.deadline = from.ruling_cell().own_deadline();
  to.stopping = stop_of(record);
  to.stops = stops_of(from);
  to.stops_dropped = from.extras ? from.extras->stops_dropped : 0;
  to.counts.succeeded = from.receipt.succeeded;
  to.counts.failed = from.receipt.failed;
  to.counts.cancelled = from.receipt.cancelled;
  to.tasks_forgotten = from.receipt.tasks - (from.settled != nullptr ? from.settled->all().size() : 0);
  if (to.state != scope_state::closed) to.waits_for = waits_for(from);
  if (depth == deepest) {
    to.cut = true;
    to.counts.running = from.live_tasks;
    return;
  }
  copy_tasks(from, now, depth, to);
  copy_scopes(from, now, depth, to.scopes, to.in_cleanup);
  in_order_of_begin(to.scopes);
}

}  // namespace

failure_snapshot failure_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const worker_crashed& e) {
    return {e.what(), true};
  } catch (const std::exception& e) {
    return {e.what(), false};
  } catch (...) {
    return {"something that is no std::exception", false};
  }
}

scope_snapshot take_snapshot(const scope_node& of) {
  scope_snapshot snapshot;
  // A closed scope may have outlived its runtime and the clock of that.
  copy_scope(of, of.now_in == scope_node::phase::closed ? of.closed_at : of.home->now(), 0, snapshot);
  return snapshot;
}

void take_roots(const loop& of, runtime_snapshot& into) {
  const auto now = of.now();
  for (const auto* each : of.roots()) {
    const auto* root = static_cast<const task_state_base*>(each);
    const auto before = into.roots.size();
    bool cleaning = false;
    copy_scopes(*root, now, 0, into.roots, cleaning);
    if (into.roots.size() == before) copy_task(*root, now, 0, into.queued.emplace_back());
  }
}

}  // namespace detail
}  // namespace workit
