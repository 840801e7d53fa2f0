// event_sink: keeps the last events of a scope or a runtime until they are taken.
#pragma once

#include <functional>
#include <memory>
#include <vector>
#include <workit/base/recorded_event.hpp>
#include <workit/scope/scope.hpp>

namespace workit {

/// A ring of events. When it is full the oldest one goes, and is counted.
///
/// Threads: any. Blocks: no (a short lock of its own). Lifetime: handlers keep the ring, so that a sink may go first.
class event_sink {
 public:
  /// Holds `capacity` events, 1 to 1,000,000: about 150 bytes each.
  explicit event_sink(std::size_t capacity = 1024);

  /// Hears this scope and all below it from now on; the first event is the scope's own scope_opened, which was
  /// emitted before any handler inside could hear it. Threads: the scope's loop.
  subscription attach(scope& to);
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
