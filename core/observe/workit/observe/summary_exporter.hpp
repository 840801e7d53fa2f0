// summary_exporter: sends one summary of each scope that has closed to a sink, on a thread of its own.
#pragma once

#include <workit/observe/export_options.hpp>
#include <workit/observe/scope_summary.hpp>
#include <workit/scope/scope.hpp>

namespace workit {

struct summary_exporter_options {
  /// Changes a summary, or refuses it by returning false; throwing refuses it, too. On the exporter's thread.
  std::function<bool(scope_summary&)> clean{};
  export_options queue{};
};

/// Exactly one record for each scope that closes, the one it is attached to included, and those that composables open.
/// What it keeps of a scope goes when that has closed. When its queue is full the oldest summary of a scope that
/// completed goes first.
///
/// Threads and lifetime: as event_exporter.
class summary_exporter {
 public:
  using sink = std::function<void(const scope_summary&)>;

  /// Errors: as event_exporter's.
  summary_exporter(summary_exporter_options options, sink to);
  explicit summary_exporter(sink to) : summary_exporter(summary_exporter_options{}, std::move(to)) {}
  /// Offers the sink what still waits. Blocks: for that.
  ~summary_exporter();
  summary_exporter(const summary_exporter&) = delete;
  summary_exporter& operator=(const summary_exporter&) = delete;

  /// Hears this scope and all below it. The subscription is not active for a scope that it hears already, by having
  /// been attached further up. Threads: the scope's loop.
  subscription attach(scope& to);
  /// For runtime_options::on_event, to hear all there is.
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
