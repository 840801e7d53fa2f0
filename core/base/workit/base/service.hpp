// service: the interface to what a runtime carries besides its loops, such as a pool of worker processes.
#pragma once

#include <string>
#include <string_view>
#include <vector>
#include <workit/base/deadline_point.hpp>

namespace workit {

class runtime;

/// Called by the runtime in this order, from the thread that makes and ends it: before_threads, start, drain, stop.
/// Errors: an exception from the first two ends the runtime's construction; the other two are noexcept.
class service {
 public:
  virtual ~service() = default;

  /// What this service is called in messages, as in "processes".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  /// Before the runtime starts its own threads: the cheapest moment to start processes. The host may have others.
  virtual void before_threads(runtime&) {}
  /// The loops exist and turn.
  virtual void start(runtime&) {}
  /// No new work comes; ends what is idle and waits for the rest until `until`.
  virtual void drain(deadline_point /*until*/) noexcept {}
  /// Ends everything; afterwards nothing of the service runs, and no descriptor, thread or process of it is left,
  /// but what running_on() tells.
  virtual void stop() noexcept {}
  /// After stop(): what it could not end and what runs on now, a sentence for each.
  [[nodiscard]] virtual std::vector<std::string> running_on() const { return {}; }
};

}  // namespace workit
