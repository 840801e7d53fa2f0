// event_sink: keeps the last events of a scope or a runtime until somebody takes them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/observe/owned_fields.hpp>
#include <workit/scope/scope.hpp>

namespace workit {

/// An event that owns what it says: it may be kept.
struct recorded_event {
  work_id id = 0;
  std::string name{};
  time_point at{};                       ///< the runtime's clock
  event_body body{};                     ///< what it referred to is in the members below, and empty here
  std::optional<cancel_reason> why{};    ///< of scope_closing and task_cancelled
  std::optional<std::string> message{};  ///< what a body said
  owned_fields data{};                   ///< its names and values
};

/// The name of what happened, as in "task_failed".
[[nodiscard]] std::string_view kind_of(const recorded_event& e) noexcept;
/// Copies all that `e` refers to.
[[nodiscard]] recorded_event record(const lifecycle_event& e);

/// A ring of events. When it is full the oldest one goes, and is counted.
///
/// Threads: any. Blocks: no (a short lock of its own). Lifetime: handlers keep the ring, so that a sink may go first.
class event_sink {
 public:
  /// Holds `capacity` events, 1 to 1,000,000: about 150 bytes each.
  explicit event_sink(std::size_t capacity = 1024);

  /// Hears this scope and all below it from now on; the first event is the scope's own scope_opened, which nobody in
  /// it could have heard. Returns what scope::off_event takes. Threads: the scope's loop.
  std::uint64_t attach(scope& to);
  /// For runtime_options::on_event, to hear all there is.
  [[nodiscard]] std::function<void(const lifecycle_event&)> handler() const;

  /// The events so far, oldest first; the ring is empty afterwards.
  [[nodiscard]] std::vector<recorded_event> take_all();
  [[nodiscard]] std::size_t size() const;
  /// How many have gone since the sink was made because the ring was full.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  class ring;
  std::shared_ptr<ring> ring_;
};

}  // namespace workit
