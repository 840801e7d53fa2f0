// diagnose: one walk over a snapshot, then over events and capacities.
#include <workit/status/diagnose.hpp>

#include <algorithm>
#include <set>
#include <workit/base/worker_errors.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/duration_text.hpp>

namespace workit {
namespace {

using detail::in_words;

std::string with_name(const char* what, const std::string& name) { return std::string(what) + " \"" + name + '"'; }

bool lost(const stop_snapshot& s) {
  return std::holds_alternative<reason::race_lost>(s.why) || std::holds_alternative<reason::timeout>(s.why);
}

// Whether tasks live below it, of which one holds it up.
bool has_live_tasks(const scope_snapshot& s) {
  return s.in_cleanup || s.cut || s.counts.pending + s.counts.running != 0 ||
         std::any_of(s.scopes.begin(), s.scopes.end(), has_live_tasks);
}
bool waits_for_others(const task_snapshot& t) { return std::any_of(t.scopes.begin(), t.scopes.end(), has_live_tasks); }

class examination {
 public:
  examination(const diagnose_options& options, time_point taken)
      : options_(options), later_(std::max(options.now.value_or(taken), time_point{}) - taken) {
    WORKIT_CHECK_OPTION(options.stale_after > duration::zero() && options.loser_grace > duration::zero(),
                        "diagnose_options.stale_after is " + in_words(options.stale_after) + " and loser_grace " +
                            in_words(options.loser_grace) + "; both have to be more than zero");
  }

  void root(const scope_snapshot& s) { look_at(s, true); }
  void queued(const task_snapshot& t) {
    ++report_.tasks.pending;
    look_at(t, 0);
  }

  void events() {
    for (const auto& e : options_.events) std::visit([&](const auto& body) { look_at(e, body); }, e.body);
  }

  void stalls() {
    for (const auto& s : options_.stalls)
      if (s.task != 0 && s.stopping && s.stopping->since >= options_.loser_grace && unresponsive_.insert(s.task).second)
        add({finding_code::task_unresponsive, finding_severity::warning,
             with_name("task", s.name) + " was told to stop " + in_words(s.stopping->since) + " ago (" +
                 std::string(s.stopping->kind) + ") and holds I/O thread " + std::to_string(s.io_thread),
             0, s.task, s.stopping->since, s.stack});
  }

  void capacity() {
    for (const auto& pool : options_.capacity)
      if (pool.ready < pool.wanted)
        add({finding_code::capacity_degraded, finding_severity::warning,
             with_name("pool", pool.pool) + " has " + std::to_string(pool.ready) + " of " +
                 std::to_string(pool.wanted) + " workers",
             0, 0, duration::zero()});
  }

  diagnosis report() && { return std::move(report_); }

 private:
  void add(finding f) {
    ++report_.found;
    ++(f.severity == finding_severity::error ? report_.errors : report_.warnings);
    report_.status = diagnosis_status::needs_attention;
    if (report_.findings.size() < options_.max_findings)
      report_.findings.push_back(std::move(f));
    else
      report_.truncated = true;
  }

  void look_at(const scope_snapshot& s, bool is_root) {
    ++report_.scopes;
    count(s.counts);
    if (s.state != scope_state::closed) open_scope(s, is_root);
    for (const auto& stop : s.stops) killed(stop, s.id, 0);
    for (const auto& task : s.tasks) look_at(task, s.id);
    for (const auto& below : s.scopes) look_at(below, false);
  }

  void open_scope(const scope_snapshot& s, bool is_root) {
    const auto open = s.open + later_;
    if (!is_root && open >= options_.stale_after)
      add({finding_code::pending_child_scope, finding_severity::warning,
           with_name("scope", s.name) + " has been open for " + in_words(open), s.id, 0, open});
    if (s.state != scope_state::closing) return;
    const auto since = s.stopping ? s.stopping->since + later_ : duration::zero();
    add({finding_code::scope_closing, finding_severity::warning,
         with_name("scope", s.name) +
             (s.stopping ? " has been closing for " + in_words(since) + ": " + describe(s.stopping->why)
                         : std::string(" is closing: its cleanups run")),
         s.id, 0, since});
  }

  void look_at(const task_snapshot& t, work_id scope) {
    if (t.status <= task_status::running) live_task(t, scope);
    if (t.failure && t.failure->worker_crashed) {
      crashed_.insert(t.id);
      add({finding_code::worker_crashed, finding_severity::error, t.failure->what, scope, t.id, duration::zero()});
    }
    for (const auto& stop : t.stops) killed(stop, scope, t.id);
    for (const auto& below : t.scopes) look_at(below, false);
  }

  void live_task(const task_snapshot& t, work_id scope) {
    const auto age = t.age + later_;
    if (age >= options_.stale_after)
      add({finding_code::old_pending_task, finding_severity::warning,
           with_name("task", t.name) + " has been " + std::string(to_string(t.status)) + " for " + in_words(age) +
               (t.waits_for.empty() ? "" : " and waits for " + t.waits_for),
           scope, t.id, age});
    if (t.status != task_status::running || !t.stopping) return;
    const bool has_lost = lost(*t.stopping);
    if (!has_lost && (t.in_cleanup || waits_for_others(t))) return;
    const auto since = t.stopping->since + later_;
    if (since >= options_.loser_grace && unresponsive_.insert(t.id).second)
      add({has_lost ? finding_code::loser_unresponsive : finding_code::task_unresponsive, finding_severity::warning,
           with_name("task", t.name) + " was cancelled " + in_words(since) + " ago and goes on: " +
               describe(t.stopping->why) + (has_lost || t.waits_for.empty() ? "" : ". It waits for " + t.waits_for),
           scope, t.id, since});
  }

  void killed(const scope_receipt::stop& s, work_id scope, work_id task) {
    if (s.receipt.method != stop_method::killed) return;
    add({finding_code::worker_killed, finding_severity::warning,
         "the worker of " + with_name("task", s.task) + " was killed: " + describe(s.receipt.why), scope, task,
         duration::zero()});
  }

  void look_at(const recorded_event& e, const event::cleanup_timed_out& late) {
    add({finding_code::cleanup_timed_out, finding_severity::error,
         "a cleanup of \"" + e.name + "\" took longer than its " + in_words(late.bound) + " and was cancelled", 0, e.id,
         duration::zero()});
  }

  void look_at(const recorded_event& e, const event::task_failed& failed) {
    if (!failed.error || crashed_.contains(e.id)) return;
    try {
      std::rethrow_exception(failed.error);
    } catch (const worker_crashed& crash) {
      add({finding_code::worker_crashed, finding_severity::error, crash.what(), 0, e.id, duration::zero()});
    } catch (...) {  // an error like any other
    }
  }

  // Its composable says so again and again; that counts once.
  void look_at(const recorded_event& e, const event::loser_unresponsive& body) {
    if (!unresponsive_.insert(e.id).second) return;
    add({finding_code::loser_unresponsive, finding_severity::warning,
         '"' + e.name + "\" was told to stop " + in_words(body.waited) + " ago and goes on", 0, e.id, body.waited});
  }
  void look_at(const recorded_event& e, const event::stop_ignored& body) {
    if (body.late < options_.loser_grace) return;
    add({finding_code::stop_ignored, finding_severity::warning,
         "the body of \"" + e.name + "\" returned " + in_words(body.late) +
             " after its time was over: it came to no cancel point, or swallowed `cancelled`",
         0, e.id, body.late});
  }
  // The others are no findings.
  template <class Body>
  void look_at(const recorded_event&, const Body&) {}

  void count(const task_counts& c) {
    report_.tasks.pending += c.pending;
    report_.tasks.running += c.running;
    report_.tasks.succeeded += c.succeeded;
    report_.tasks.failed += c.failed;
    report_.tasks.cancelled += c.cancelled;
  }

  const diagnose_options& options_;
  const duration later_;       // than the snapshot
  std::set<work_id> crashed_;  // those reported
  std::set<work_id> unresponsive_;
  diagnosis report_;
};

}  // namespace

std::string_view to_string(finding_code c) noexcept {
  switch (c) {
    case finding_code::old_pending_task:
      return "old_pending_task";
    case finding_code::pending_child_scope:
      return "pending_child_scope";
    case finding_code::scope_closing:
      return "scope_closing";
    case finding_code::cleanup_timed_out:
      return "cleanup_timed_out";
    case finding_code::loser_unresponsive:
      return "loser_unresponsive";
    case finding_code::stop_ignored:
      return "stop_ignored";
    case finding_code::task_unresponsive:
      return "task_unresponsive";
    case finding_code::worker_killed:
      return "worker_killed";
    case finding_code::worker_crashed:
      return "worker_crashed";
    case finding_code::capacity_degraded:
      return "capacity_degraded";
  }
  return "?";
}

std::string_view to_string(finding_severity s) noexcept { return s == finding_severity::error ? "error" : "warning"; }

std::string_view to_string(diagnosis_status s) noexcept { return s == diagnosis_status::ok ? "ok" : "needs_attention"; }

diagnosis diagnose(const scope_snapshot& snapshot, const diagnose_options& options) {
  examination all(options, snapshot.taken);
  all.root(snapshot);
  all.events();
  all.stalls();
  all.capacity();
  return std::move(all).report();
}

diagnosis diagnose(const runtime_snapshot& snapshot, const diagnose_options& options) {
  examination all(options, snapshot.taken);
  for (const auto& root : snapshot.roots) all.root(root);
  for (const auto& task : snapshot.queued) all.queued(task);
  all.events();
  all.stalls();
  all.capacity();
  return std::move(all).report();
}

}  // namespace workit
