// summary_exporter: counts of the scopes that are open, each sent down a line when it has closed.
//
// Invariants
// 1. open_ holds the scopes that were heard of and have not closed, running_ the tasks that began and have not ended:
//    nothing is kept of what is over.
// Lock order: ledger::mutex_ is a leaf; a summary goes down the line outside of it.
#include <workit/observe/summary_exporter.hpp>

#include <unordered_map>
#include <workit/base/overloaded.hpp>
#include <workit/scope/detail/scope_node.hpp>

#include "export_line.hpp"
#include "json_text.hpp"
#include "opening_event.hpp"
#include "outcome_of.hpp"

namespace workit {
namespace {

std::size_t bytes_of(const scope_summary& s) { return sizeof s + s.name.size(); }

/// The scopes that are open, as events tell of them. Threads: any.
class ledger {
 public:
  /// Whether this is news.
  bool open(work_id id, std::string_view name, time_point at, work_id parent) {
    const thread_lock lock(mutex_);
    const auto [found, is_new] = open_.try_emplace(id);
    if (is_new) found->second = {.id = id, .parent = parent, .name = std::string(name), .opened = at};
    return is_new;
  }

  /// The summary of a scope that this event closes.
  std::optional<scope_summary> hear(const lifecycle_event& e) {
    const thread_lock lock(mutex_);
    std::visit(detail::overloaded{
                   [&](const event::task_started& started) {
                     mutex_.assert_held();
                     if (started.scope == 0) return;  // the task of a root is in no scope
                     running_[e.id] = started.scope;
                     ++at(started.scope, e).tasks.running;
                   },
                   [&](const event::task_succeeded&) {
                     mutex_.assert_held();
                     ended(e, &task_counts::succeeded);
                   },
                   [&](const event::task_failed&) {
                     mutex_.assert_held();
                     ended(e, &task_counts::failed);
                   },
                   [&](const event::task_cancelled&) {
                     mutex_.assert_held();
                     ended(e, &task_counts::cancelled);
                   },
                   [&](const event::task_retrying&) {
                     mutex_.assert_held();
                     count(e, &scope_summary::retries);
                   },
                   [&](const event::cleanup_failed&) {
                     mutex_.assert_held();
                     count(e, &scope_summary::cleanup_failures);
                   },
                   [&](const event::cleanup_timed_out&) {
                     mutex_.assert_held();
                     count(e, &scope_summary::cleanup_timeouts);
                   },
                   [&](const event::scope_closing& closing) {
                     mutex_.assert_held();
                     auto& s = at(e.id, e);
                     if (closing.why != nullptr) s.why = *closing.why;
                   },
                   [](const auto&) {},
               },
               e.body);
    const auto* closed = std::get_if<event::scope_closed>(&e.body);
    if (closed == nullptr) return std::nullopt;
    auto summary = std::move(at(e.id, e));
    open_.erase(e.id);
    summary.name = e.name;
    summary.took = closed->took;
    summary.outcome = detail::outcome_of(summary.why ? &*summary.why : nullptr);
    summary.dropped_events = closed->dropped_events;
    return summary;
  }

 private:
  /// The scope of that id; one whose opening was not heard is late.
  scope_summary& at(work_id scope, const lifecycle_event& e) WORKIT_REQUIRES(mutex_) {
    const auto [found, is_new] = open_.try_emplace(scope);
    if (is_new) found->second = {.id = scope, .opened = e.at, .late = true};
    return found->second;
  }
  /// Counts for the scope that `e` is about, or that owns the task that it is about; an unknown id may be of
  /// either, and is left out.
  void count(const lifecycle_event& e, std::uint64_t scope_summary::*what) WORKIT_REQUIRES(mutex_) {
    const auto task = running_.find(e.id);
    const auto scope = open_.find(task != running_.end() ? task->second : e.id);
    if (scope != open_.end()) ++(scope->second.*what);
  }
  void ended(const lifecycle_event& e, std::uint64_t task_counts::*how) WORKIT_REQUIRES(mutex_) {
    const auto task = running_.find(e.id);
    if (task == running_.end()) return;  // it began before the exporter listened
    auto& counts = at(task->second, e).tasks;
    running_.erase(task);
    --counts.running;
    ++(counts.*how);
  }

  thread_mutex mutex_;
  std::unordered_map<work_id, scope_summary> open_ WORKIT_GUARDED_BY(mutex_);
  std::unordered_map<work_id, work_id> running_ WORKIT_GUARDED_BY(mutex_);  // to the scope of each
};

}  // namespace

class summary_exporter::line : public detail::export_line<scope_summary> {
 public:
  line(summary_exporter_options options, sink to)
      : export_line(
            "a summary_exporter", std::move(options.queue),
            [clean = std::move(options.clean)](scope_summary& s) {
              // Data of any type: no rule can look into it.
              if (auto* manual = s.why ? std::get_if<reason::manual>(&*s.why) : nullptr) manual->data.reset();
              return clean == nullptr || clean(s);
            },
            std::move(to)) {}

  /// Whether it was not heard of before.
  bool begin(const detail::scope_node& top) {
    return scopes_.open(top.id, top.name, top.opened_at, top.parent != nullptr ? top.parent->id : 0);
  }
  void hear(const lifecycle_event& e) {
    if (const auto* opened = std::get_if<event::scope_opened>(&e.body)) {
      scopes_.open(e.id, e.name, e.at, opened->parent);
      return;
    }
    auto closed = scopes_.hear(e);
    if (!closed) return;
    const auto bytes = bytes_of(*closed);
    const bool vital = closed->outcome != scope_outcome::completed || closed->tasks.failed != 0;
    add(std::move(*closed), bytes, vital);
  }

 private:
  ledger scopes_;
};

summary_exporter::summary_exporter(summary_exporter_options options, sink to)
    : line_(std::make_shared<line>(std::move(options), std::move(to))) {}

summary_exporter::~summary_exporter() { line_->close(); }

subscription summary_exporter::attach(scope& to) {
  auto& top = static_cast<const detail::scope_node&>(to.node());
  if (!line_->begin(top)) return {};
  return to.on_event([into = line_](const lifecycle_event& e) { into->hear(e); });
}

std::function<void(const lifecycle_event&)> summary_exporter::handler() const {
  return [into = line_](const lifecycle_event& e) { into->hear(e); };
}

void summary_exporter::flush() const { line_->flush(); }
export_counts summary_exporter::counts() const { return line_->counts(); }

std::string to_json(const scope_summary& s) {
  detail::json_object out;
  out.add("scope", s.id)
      .add("parent", s.parent)
      .add("name", s.name)
      .add("outcome", to_string(s.outcome))
      .add("took_us", detail::microseconds(s.took));
  if (s.why) out.add("why", detail::json_of(*s.why));
  return out.add("tasks", detail::json_of(s.tasks))
      .add("retries", s.retries)
      .add("cleanup_failures", s.cleanup_failures)
      .add("cleanup_timeouts", s.cleanup_timeouts)
      .add("dropped_events", s.dropped_events)
      .add("late", s.late)
      .done()
      .text();
}

}  // namespace workit
