// event_exporter: sends the events that are worth it to a sink, on a thread of its own.
#pragma once

#include <workit/observe/event_sink.hpp>
#include <workit/observe/export_options.hpp>
#include <workit/observe/redaction.hpp>
#include <workit/observe/sampling.hpp>

namespace workit {

struct event_exporter_options {
  workit::sampling sampling = sampling::errors_and_slow();
  workit::redaction redaction{};  ///< of the fields of events
  /// Changes an event, or refuses it by returning false; throwing refuses it, too. On the exporter's thread.
  std::function<bool(recorded_event&)> clean{};
  export_options queue{};
};

/// Nothing that a sink does, or fails to do, reaches the work that it hears of: events wait in a bounded queue. When
/// that is full, the oldest goes of those that tell of no failure; only when there is none of them, the oldest failure.
///
///   workit::event_exporter exporter([&](const workit::recorded_event& e) { backend.send(e); });
///   rt.run({.name = "request"}, [&](workit::scope& s) { exporter.attach(s).keep(); ... });
///
/// Threads: any, unless said. Lifetime: handlers keep the queue, so that an exporter may go first; what comes later
/// counts as overflowed.
class event_exporter {
 public:
  using sink = std::function<void(const recorded_event&)>;

  /// `to` is called for one event at a time, in the order in which they were told; it may block. What it throws is
  /// counted. Errors: std::invalid_argument for options beyond their ranges; asserts that there is a sink;
  /// std::system_error when there is no thread to be had.
  event_exporter(event_exporter_options options, sink to);
  explicit event_exporter(sink to) : event_exporter(event_exporter_options{}, std::move(to)) {}
  /// Offers the sink what still waits. Blocks: for that.
  ~event_exporter();
  event_exporter(const event_exporter&) = delete;
  event_exporter& operator=(const event_exporter&) = delete;

  /// Hears this scope and all below it from now on, its own scope_opened first. The subscription is not active when
  /// sampling has decided against the whole of it. Threads: the scope's loop.
  subscription attach(scope& to);
  /// For runtime_options::on_event, to hear all there is. Errors: std::invalid_argument when sampling is by head,
  /// which chooses among scopes that are attached.
  [[nodiscard]] std::function<void(const lifecycle_event&)> handler() const;

  /// Waits until nothing waits any more. Blocks: the calling thread, for as long as the sink takes; misuse on an I/O
  /// thread and in the sink.
  void flush() const;
  [[nodiscard]] export_counts counts() const;

 private:
  class line;

  std::shared_ptr<line> line_;
};

}  // namespace workit
