// agent_event: one step of an agent.
#pragma once

#include <workit/scope/snapshot.hpp>

namespace workit {

enum class agent_step : std::uint8_t {
  started,
  tool_started,
  tool_succeeded,
  tool_failed,     ///< it threw
  tool_cancelled,  ///< it was stopped and came back by itself
  tool_killed,     ///< it was stopped hard, behind a worker boundary
  tool_refused,    ///< a budget had no room for the call: the tool never began
  completed,
  failed,
  cancelled,
};
[[nodiscard]] std::string_view to_string(agent_step s) noexcept;

/// Plain data that owns what it says.
struct agent_event {
  std::uint64_t seq = 0;  ///< of this agent: 1, 2, 3, ... without a gap
  work_id agent = 0;      ///< the agent's scope
  agent_step what = agent_step::started;
  time_point at{};                          ///< the runtime's clock; never before the event in front of it
  std::string tool{};                       ///< of a tool's events
  work_id call = 0;                         ///< the task of that call; 0 of one that was refused
  duration took{};                          ///< of an end
  std::optional<cancel_reason> why{};       ///< why it was stopped, also when that was a time-out of the call alone
  std::optional<failure_snapshot> error{};  ///< of what failed or was refused
  std::optional<stop_receipt> stop{};       ///< how work behind a boundary was stopped for it, the last time
};

/// One line of JSON; durations in microseconds.
[[nodiscard]] std::string to_json(const agent_event& e);

}  // namespace workit
