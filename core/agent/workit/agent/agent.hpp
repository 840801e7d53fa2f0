// agent: a scope whose tool calls are paid for, recorded, and stopped with it.
#pragma once

#include <workit/agent/agent_log.hpp>
#include <workit/scope/detail/in_scope.hpp>

namespace workit {

/// How often an agent may call tools; charged where a scope has such a budget.
inline const budget_key agent_tool_calls{"AgentToolCalls", {.unit = "tool_calls"}};
/// What its calls cost in tokens of a language model.
inline const budget_key agent_tokens{"AgentTokens", {.unit = "tokens"}};

struct agent_options {
  std::string name = "agent";           ///< of its scope
  std::optional<time_span> deadline{};  ///< as scope_options::deadline
  std::vector<budget_limit> budgets{};  ///< as in `{{agent_tool_calls, 8}, {agent_tokens, 4000}}`
  std::optional<agent_log> log{};       ///< where its steps are written down
};

struct tool_options {
  std::string name = "tool";      ///< of its task and events
  amount calls = 1;               ///< of agent_tool_calls, if a scope limits them
  amount tokens{};                ///< of agent_tokens
  std::vector<charge> charges{};  ///< of other budgets
};

namespace detail {

class agent_story;

/// Runs one call of a tool in a task of its own and writes it down.
void run_tool(agent_story& story, context& ctx, const tool_options& options, const std::function<void(context&)>& body);

}  // namespace detail

/// What the body of an agent calls its tools with. Threads: the agent's loop. Lifetime: any; calling a tool after the
/// agent has ended is misuse.
class agent {
 public:
  /// A task function that runs `function` as one call of a tool: all it costs is charged before it begins, at once or
  /// not at all. Inside and outside of it, composables mean different things: `retry(a.tool({...}, f))` pays for each
  /// attempt, `a.tool({...}, retry(f))` once.
  ///
  /// Blocks: the fiber, until the call has ended. Cancel: is a cancel point before it begins; a tool behind a boundary
  /// is stopped there. Errors: the tool's; budget_exceeded when it does not fit, and the owner of the budget is being
  /// cancelled; budget_not_set for a charge, but for agent_tool_calls, that no scope has a budget for. A failure is the
  /// caller's: other calls go on.
  template <detail::task_function F>
  [[nodiscard("a task function does nothing until it is called")]] auto tool(tool_options options, F function) const {
    return [story = story_, options = std::move(options),
            function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
      using R = detail::task_result<F>;
      detail::slot<R> value;
      detail::run_tool(*story, ctx, options, [&](context& inner) { detail::call_into<R>(value, function, inner); });
      return detail::restore<R>(std::move(*value));
    };
  }

  explicit agent(std::shared_ptr<detail::agent_story> story) noexcept : story_(std::move(story)) {}

 private:
  std::shared_ptr<detail::agent_story> story_;
};

namespace detail {
void run_agent(context& ctx, const agent_options& options, const std::function<void(scope&, const agent&)>& body);
}

/// A task function that opens a scope and calls `body(scope&, const agent&)` in it; each call of it is another agent,
/// whose events begin with seq 1.
///
///   workit::agent_log log;
///   auto answer = workit::agent_scope({.budgets = {{workit::agent_tool_calls, 3}}, .log = log},
///                                     [](workit::scope& s, const workit::agent& a) {
///     return a.tool({.name = "search", .tokens = 50}, workit::offload({}, search, "structured concurrency"))(s);
///   });
///
/// Blocks: the fiber, until all the scope owns has ended. Cancel, Errors: as context::scope.
template <class F>
  requires std::invocable<F&, scope&, const agent&>
[[nodiscard("a task function does nothing until it is called")]] auto agent_scope(agent_options options, F body) {
  return [options = std::move(options),
          body = std::move(body)](context& ctx) mutable -> std::invoke_result_t<F&, scope&, const agent&> {
    using R = std::invoke_result_t<F&, scope&, const agent&>;
    detail::slot<R> value;
    detail::run_agent(ctx, options, [&](scope& s, const agent& a) {
      auto call = [&]() -> R { return body(s, a); };
      detail::call_into<R>(value, call, s);
    });
    return detail::restore<R>(std::move(*value));
  };
}

}  // namespace workit
