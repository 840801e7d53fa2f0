// recorded_event: an event that owns all it says.
#pragma once

#include <optional>
#include <string>
#include <workit/base/event.hpp>
#include <workit/base/owned_fields.hpp>

namespace workit {

/// An event that owns what it says: it may be kept.
struct recorded_event {
  work_id id = 0;
  std::string name{};
  time_point at{};                       ///< the runtime's clock
  event_body body{};                     ///< what it referred to is in the members below, and empty here
  std::optional<cancel_reason> why{};    ///< of scope_closing, task_cancelled and stop_ignored
  std::optional<std::string> message{};  ///< what a body said
  owned_fields data{};                   ///< its names and values
};

/// The name of what happened, as in "task_failed".
[[nodiscard]] std::string_view kind_of(const recorded_event& e) noexcept;
/// Copies all that `e` refers to.
[[nodiscard]] recorded_event record(const lifecycle_event& e);

}  // namespace workit
