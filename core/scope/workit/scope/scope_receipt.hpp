// scope_receipt: what a scope did, how it ended, and how what it owned was stopped.
#pragma once

#include <workit/scope/task.hpp>

namespace workit {

/// How a scope ended, in one word.
enum class scope_outcome : std::uint8_t {
  completed,  ///< its body returned and no foreground task failed
  errored,    ///< its body or a foreground task failed, or a budget was overrun
  cancelled,  ///< its deadline passed, or it was asked to stop; a body that returned then gave its value all the same
};
[[nodiscard]] std::string_view to_string(scope_outcome o) noexcept;

/// The receipt of a scope, complete: all its children have ended and all stopped workers are reclaimed.
struct scope_receipt {
  struct stop {
    std::string task{};
    stop_receipt receipt{};
  };

  work_id id = 0;
  std::string name{};
  scope_outcome outcome = scope_outcome::completed;
  std::optional<cancel_reason> why{};     ///< the first reason, when it was cancelled
  time_point opened{};                    ///< machine time, as all instants here
  std::optional<time_point> requested{};  ///< when the cancellation was decided
  time_point closed{};
  std::uint64_t tasks = 0;  ///< spawned in this scope; settled ones are counted, not kept
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::vector<stop> stops{};        ///< the first 32, nested scopes included
  std::uint64_t stops_dropped = 0;  ///< how many more there were
};

/// One line of JSON; durations in microseconds, counted from `requested` where that is natural.
[[nodiscard]] std::string to_json(const scope_receipt& receipt);

}  // namespace workit
