// receipt_recorder: a window of events, counts of all of them, and the end.
//
// Invariants
// 1. A story holds no node: handlers and the scope's on_receipt, which the node holds, hold the story.
// 2. complete_ is set once, after the receipt is in.
// Lock order: mutex_ is a leaf; callbacks, copies of events and snapshots are made outside of it.
#include <workit/observe/receipt_recorder.hpp>

#include <unordered_set>
#include <workit/base/assert.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/wait/manual_reset_event.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/ring_buffer.hpp>
#include "opening_event.hpp"
#include "take_snapshot.hpp"

namespace workit {
namespace {

constexpr std::size_t most_events = 1'000'000;
constexpr std::size_t longest_id = 512;

/// The counts of a scope and all below it, as far as events tell them.
class tally {
 public:
  void count(const lifecycle_event& e) {
    const auto ended = [&](std::uint64_t& how) {
      running_.erase(e.id);
      ++how;
    };
    std::visit(detail::overloaded{
                   [&](const event::scope_opened&) { ++all_.scopes; },
                   [&](const event::task_started&) { running_.insert(e.id); },
                   [&](const event::task_succeeded&) { ended(all_.tasks.succeeded); },
                   [&](const event::task_failed&) { ended(all_.tasks.failed); },
                   [&](const event::task_cancelled&) { ended(all_.tasks.cancelled); },
                   [&](const event::cleanup_failed&) { ++all_.cleanup_failures; },
                   [&](const event::cleanup_timed_out&) { ++all_.cleanup_timeouts; },
                   [&](const event::task_retrying&) { ++all_.retries; },
                   // Scopes below may share a budget or have one of their own: the most that one of them says.
                   [&](const event::scope_closed& c) { dropped_at_least(c.dropped_events); },
                   [&](const event::telemetry_exhausted&) { dropped_at_least(1); },
                   [](const auto&) {},
               },
               e.body);
  }

  [[nodiscard]] scope_record::totals totals() const {
    auto all = all_;
    all.tasks.running = running_.size();
    return all;
  }

 private:
  void dropped_at_least(std::uint64_t events) {
    all_.dropped_telemetry_events = std::max(all_.dropped_telemetry_events, events);
  }

  scope_record::totals all_;
  std::unordered_set<work_id> running_;
};

std::uint64_t pending_below(const scope_snapshot& s) {
  auto pending = s.counts.pending;
  for (const auto& below : s.scopes) pending += pending_below(below);
  for (const auto& task : s.tasks)
    for (const auto& below : task.scopes) pending += pending_below(below);
  return pending;
}

bool leaves_out(const scope_snapshot& s) {
  const auto below = [](const scope_snapshot& inner) { return leaves_out(inner); };
  return s.cut || s.tasks_forgotten != 0 || std::any_of(s.scopes.begin(), s.scopes.end(), below) ||
         std::any_of(s.tasks.begin(), s.tasks.end(),
                     [&](const auto& t) { return std::any_of(t.scopes.begin(), t.scopes.end(), below); });
}

/// What the first failure in `closed` was: of a task, else of the body.
std::optional<failure_snapshot> failure_of(const detail::scope_node& closed) {
  if (closed.first_failure) return detail::failure_of(closed.first_failure);
  if (const auto* own = closed.ruling_cell().own_record())
    if (const auto* failed = std::get_if<reason::parent_failed>(&own->why)) return detail::failure_of(failed->error);
  return std::nullopt;
}

}  // namespace

class receipt_recorder::story {
 public:
  explicit story(receipt_recorder_options options) : options_(std::move(options)), events_(options_.max_events) {}

  void begin(const detail::scope_node& top);
  void hear(const lifecycle_event& e, const detail::scope_node& top);
  void complete(const scope_receipt& receipt);
  /// `now` is what is going on while the scope is open.
  [[nodiscard]] scope_record write(scope_snapshot now) const;
  [[nodiscard]] bool has_closed() const {
    const thread_lock lock(mutex_);
    return closed_;
  }
  [[nodiscard]] const manual_reset_event& completed() const noexcept { return complete_; }
  [[nodiscard]] manual_reset_event& completed() noexcept { return complete_; }

 private:
  [[nodiscard]] scope_record::wall_time wall() const {
    return options_.wall_clock ? options_.wall_clock() : std::chrono::system_clock::now();
  }
  void close(const detail::scope_node& top);
  [[nodiscard]] std::vector<record_limitation> limitations_of(const scope_record& r) const;

  const receipt_recorder_options options_;
  detail::ring_buffer<recorded_event> events_;
  manual_reset_event complete_;

  std::string id_;  // this and the four below are set before anything is heard, and stay
  work_id scope_ = 0;
  std::string name_;
  time_point opened_{};
  bool attached_late_ = false;

  mutable thread_mutex mutex_;
  tally counts_ WORKIT_GUARDED_BY(mutex_);
  bool closed_ WORKIT_GUARDED_BY(mutex_) = false;
  // Written once, under mutex_: the first two before closed_ is true. Read without it afterwards.
  scope_record::terminal_state terminal_;
  scope_snapshot snapshot_;
  std::optional<scope_receipt> receipt_;
};

void receipt_recorder::story::begin(const detail::scope_node& top) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall().time_since_epoch()).count();
  id_ = !options_.id.empty() ? options_.id : "receipt:" + std::to_string(top.id) + ':' + std::to_string(ms);
  scope_ = top.id;
  name_ = top.name;
  opened_ = top.opened_at;
  attached_late_ = top.first_child != nullptr || top.receipt.tasks != 0;
  auto opening = detail::opening_of(top);
  const thread_lock lock(mutex_);
  counts_.count({opening.id, opening.name, opening.at, opening.body});
  events_.add(std::move(opening));
}

void receipt_recorder::story::hear(const lifecycle_event& e, const detail::scope_node& top) {
  auto kept = record(e);
  options_.redaction.apply(kept.data);
  // Data of any type: no rule can look into it.
  if (auto* manual = kept.why ? std::get_if<reason::manual>(&*kept.why) : nullptr) manual->data.reset();
  events_.add(std::move(kept));
  {
    const thread_lock lock(mutex_);
    counts_.count(e);
  }
  if (e.id == scope_ && std::holds_alternative<event::scope_closed>(e.body)) close(top);
}

void receipt_recorder::story::close(const detail::scope_node& top) {
  scope_record::terminal_state end{top.receipt.outcome, wall(), top.closed_at - top.opened_at, top.receipt.why,
                                   failure_of(top)};
  auto last = detail::take_snapshot(top);
  const thread_lock lock(mutex_);
  terminal_ = std::move(end);
  snapshot_ = std::move(last);
  closed_ = true;
}

void receipt_recorder::story::complete(const scope_receipt& receipt) {
  {
    auto mine = std::optional(receipt);
    const thread_lock lock(mutex_);
    receipt_.swap(mine);
  }
  complete_.set();
  if (options_.on_record) options_.on_record(write({}));
}

scope_record receipt_recorder::story::write(scope_snapshot now) const {
  scope_record r{.id = id_, .created = wall(), .scope = scope_, .name = name_, .opened = opened_};
  r.events = events_.all();
  bool closed = false, has_receipt = false;
  {
    const thread_lock lock(mutex_);
    closed = closed_;
    has_receipt = receipt_.has_value();
    r.summary = counts_.totals();
  }
  if (closed) {
    r.terminal = terminal_;
    r.snapshot = snapshot_;
  } else {
    r.summary.tasks.pending = pending_below(now);
    r.terminal.at = r.created;
    r.terminal.took = now.taken - opened_;
    if (now.stopping) r.terminal.why = now.stopping->why;
    r.snapshot = std::move(now);
  }
  if (has_receipt) r.receipt = receipt_;
  if (options_.attempts) {
    r.attempts = options_.attempts->all();
    r.summary.dropped_attempts = options_.attempts->dropped();
  }
  r.summary.dropped_events = events_.dropped();
  r.limitations = limitations_of(r);
  return r;
}

std::vector<record_limitation> receipt_recorder::story::limitations_of(const scope_record& r) const {
  std::vector<record_limitation> all;
  const auto add = [&](bool holds, record_limitation l) {
    if (holds) all.push_back(l);
  };
  using enum record_limitation;
  add(!r.terminal.outcome, scope_still_open);
  add(r.terminal.outcome && !r.receipt, receipt_not_ready);
  add(attached_late_, attached_late);
  add(r.summary.dropped_events != 0, event_window_truncated);
  add(r.summary.dropped_telemetry_events != 0, telemetry_exhausted);
  add(r.summary.dropped_attempts != 0, attempt_window_truncated);
  add(r.receipt && r.receipt->stops_dropped != 0, stops_truncated);
  add(leaves_out(r.snapshot), snapshot_truncated);
  return all;
}

receipt_recorder::receipt_recorder(receipt_recorder_options options) {
  WORKIT_CHECK_OPTION(
      options.max_events >= 1 && options.max_events <= most_events,
      "receipt_recorder_options.max_events is " + std::to_string(options.max_events) + "; it may be 1 to 1,000,000");
  WORKIT_CHECK_OPTION(
      options.id.size() <= longest_id,
      "receipt_recorder_options.id has " + std::to_string(options.id.size()) + " characters; it may have up to 512");
  story_ = std::make_shared<story>(std::move(options));
}

void receipt_recorder::attach(scope& to) {
  WORKIT_ASSERT(!scope_, "a receipt_recorder was attached to scope \"" + to.name() +
                             "\" after it had been to another: each scope needs one of its own");
  auto& top = static_cast<detail::scope_node&>(to.node());
  scope_ = to.remote();
  story_->begin(top);
  to.on_event([into = story_, &top](const lifecycle_event& e) { into->hear(e, top); }).keep();
  top.on_receipt = [into = story_, before = std::move(top.on_receipt)](const scope_receipt& r) {
    try {
      if (before) before(r);
    } catch (...) {  // an observer cannot change what it observes
    }
    into->complete(r);
  };
}

scope_record receipt_recorder::build() const {
  WORKIT_ASSERT(scope_, "a receipt_recorder was asked for a record before it was attached to a scope");
  return story_->write(story_->has_closed() ? scope_snapshot{} : scope_->status());
}

bool receipt_recorder::is_complete() const noexcept { return story_->completed().is_set(); }

void receipt_recorder::wait() const {
  WORKIT_ASSERT(scope_, "a receipt_recorder was waited for before it was attached to a scope");
  story_->completed().wait();
}

}  // namespace workit
