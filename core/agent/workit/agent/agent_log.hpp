// agent_log: keeps the steps of agents.
#pragma once

#include <functional>
#include <memory>
#include <vector>
#include <workit/agent/agent_event.hpp>

namespace workit {

struct agent_log_options {
  std::size_t max_events = 10'000;  ///< how many are kept, 1 to 1,000,000; then the oldest goes
  /// Hears each event when it happens, on the agent's loop; must not suspend, and what it throws is swallowed.
  std::function<void(const agent_event&)> on_event{};
};

/// A copy is another handle on the same events. One log serves one agent or several. Threads: any. Blocks: no (a short
/// lock of its own).
class agent_log {
 public:
  /// Errors: std::invalid_argument for max_events beyond its range.
  explicit agent_log(agent_log_options options = {});

  /// Those that are kept, in the order in which they happened.
  [[nodiscard]] std::vector<agent_event> all() const;
  /// How many have gone because there were too many.
  [[nodiscard]] std::uint64_t dropped() const;

  /// For agents.
  void add(agent_event e) const;

 private:
  struct book;

  std::shared_ptr<book> book_;
};

}  // namespace workit
