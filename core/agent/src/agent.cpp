// agent: one task for each call of a tool, and the events in between.
//
// Invariants
// 1. Each call that began has one end among the events, which is told when its task, with all below it, has ended.
// 2. Between the first event and the last, which says how the agent ended, seq counts up by one.
// Lock order: there are no locks but the log's; all this is the home loop's.
#include <workit/agent/agent.hpp>

#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>

#include "take_snapshot.hpp"

namespace workit::detail {

/// The life of one agent, as it is written down.
class agent_story {
 public:
  agent_story(std::string name, std::optional<agent_log> log) : name_(std::move(name)), log_(std::move(log)) {}

  void begin(const context& ctx) {
    id_ = ctx.id();
    began_ = ctx.now();
    tell({.what = agent_step::started, .at = began_});
  }
  void end(agent_event last, time_point now) {
    if (id_ == 0) return;  // it was stopped before it began
    ended_ = true;
    last.at = now;
    last.took = now - began_;
    tell(std::move(last));
  }
  void tell(agent_event e) {
    e.seq = ++last_;
    e.agent = id_;
    if (log_) log_->add(std::move(e));
  }
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  const std::string name_;
  const std::optional<agent_log> log_;
  work_id id_ = 0;
  time_point began_{};
  std::uint64_t last_ = 0;
  bool ended_ = false;
};

namespace {

void pay(agent_story& story, context& ctx, const tool_options& options) {
  auto charges = options.charges;
  if (options.tokens > amount{}) charges.emplace_back(agent_tokens, options.tokens);
  if (options.calls > amount{} && ctx.budget(agent_tool_calls)) charges.emplace_back(agent_tool_calls, options.calls);
  if (charges.empty()) return;
  try {
    ctx.consume(charges);
  } catch (...) {
    story.tell({.what = agent_step::tool_refused,
                .at = ctx.now(),
                .tool = options.name,
                .error = failure_of(std::current_exception())});
    throw;
  }
}

bool ran_out_of_time(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const timed_out&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// Whether `stop` is how the work of a call came to its end, and not one on the way there.
bool ended_it(const stop_receipt& stop, const outcome<void>& how) {
  if (how.is_cancelled()) return kind_of(stop.why) == kind_of(how.why());
  return how.is_error() && ran_out_of_time(how.error());
}

agent_event end_of(const task<void>& call, const outcome<void>& how) {
  agent_event e{.what = agent_step::tool_succeeded, .tool = {}, .call = call.id()};
  if (how.is_error()) {
    e.what = agent_step::tool_failed;
    e.error = failure_of(how.error());
  } else if (how.is_cancelled()) {
    e.what = agent_step::tool_cancelled;
    e.why = how.why();
  }
  auto stops = call.receipt().stops;
  if (stops.empty()) return e;
  e.stop = std::move(stops.back());
  if (!ended_it(*e.stop, how)) return e;
  if (!e.why) e.why = e.stop->why;
  if (e.stop->method == stop_method::killed || e.stop->method == stop_method::abandoned)
    e.what = agent_step::tool_killed;
  return e;
}

}  // namespace

void run_tool(agent_story& story, context& ctx, const tool_options& options,
              const std::function<void(context&)>& body) {
  WORKIT_ASSERT(!story.has_ended(), "tool \"" + options.name + "\" was called after its agent \"" + story.name() +
                                        "\" had ended: call tools within the agent's body");
  ctx.check();
  pay(story, ctx, options);
  const auto began = ctx.now();
  std::optional<task<void>> call;
  std::optional<outcome<void>> how;
  const auto tell_end = [&] {
    how = call->result();
    auto last = end_of(*call, *how);
    last.tool = options.name;
    last.at = ctx.now();
    last.took = last.at - began;
    story.tell(std::move(last));
  };
  const auto start_and_wait = [&](scope& s) {
    call = s.spawn({.name = options.name, .kind = task_kind::tool, .background = true}, [&](context& c) { body(c); });
    story.tell({.what = agent_step::tool_started, .at = began, .tool = options.name, .call = call->id()});
    call->wait();
  };
  try {
    ctx.scope({.name = "tool call"}, start_and_wait);
  } catch (...) {
    if (call) tell_end();  // its scope has closed: it has ended
    throw;
  }
  tell_end();
  if (how->is_cancelled()) ctx.check();  // with the caller
  std::move(*how).value();
}

void run_agent(context& ctx, const agent_options& options, const std::function<void(scope&, const agent&)>& body) {
  const auto story = std::make_shared<agent_story>(options.name, options.log);
  const auto live = [&](scope& s) {
    s.check();
    story->begin(s);
    body(s, agent(story));
  };
  const auto failed = [&](agent_step how, std::optional<cancel_reason> why) {
    agent_event last{.what = how, .why = std::move(why)};
    if (!last.why) last.error = failure_of(std::current_exception());
    story->end(std::move(last), ctx.now());
  };
  try {
    ctx.scope({.name = options.name, .deadline = options.deadline, .budgets = options.budgets}, live);
  } catch (const cancelled& c) {
    failed(agent_step::cancelled, c.why());
    throw;
  } catch (const scope_cancelled& c) {
    failed(agent_step::cancelled, c.why());
    throw;
  } catch (...) {
    failed(agent_step::failed, std::nullopt);
    throw;
  }
  story->end({.what = agent_step::completed}, ctx.now());
}

}  // namespace workit::detail
