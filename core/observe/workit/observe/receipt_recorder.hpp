// receipt_recorder: listens to a scope and writes its record.
#pragma once

#include <workit/observe/scope_record.hpp>

namespace workit {

struct receipt_recorder_options {
  std::size_t max_events = 10'000;  ///< how many events are kept, 1 to 1,000,000; then the oldest goes
  std::string id{};                 ///< of the record, up to 512 characters; if empty, "receipt:<scope's id>:<wall ms>"
  workit::redaction redaction{};    ///< of the fields of events; an attempt_recorder has its own
  /// Those whose attempts the record tells.
  std::optional<attempt_recorder> attempts{};
  /// What labels instants; by default the system's.
  std::function<scope_record::wall_time()> wall_clock{};
  /// Called once with the complete record, as scope_options::on_receipt is, after that; what it throws is swallowed.
  std::function<void(const scope_record&)> on_record{};
};

/// Records one scope and all below it.
///
///   workit::receipt_recorder recorder;
///   rt.run({.name = "request"}, [&](workit::scope& s) { recorder.attach(s); ... });
///   recorder.wait();
///   std::puts(to_json(recorder.build()).c_str());
///
/// Threads: any, unless said. Lifetime: the scope keeps what it records into, so that a recorder may go first: then
/// on_record gets the record.
class receipt_recorder {
 public:
  /// Errors: std::invalid_argument for options beyond their ranges.
  explicit receipt_recorder(receipt_recorder_options options = {});

  /// Listens from now on; best before the scope has any work. Threads: the scope's loop; once, before any other call.
  /// Errors: asserts that this is the first scope; as scope::on_event.
  void attach(scope& to);

  /// The record as it is now. Blocks: while the scope is open, as remote_scope::status; then no. Cancel: likewise.
  /// Errors: asserts that a scope was attached.
  [[nodiscard]] scope_record build() const;

  /// Whether the scope has closed and its receipt is in the record.
  [[nodiscard]] bool is_complete() const noexcept;
  /// Blocks: the fiber, or the foreign thread, until it is complete; in the recorded scope itself for ever. Cancel: is
  /// a cancel point.
  void wait() const;

 private:
  class story;

  std::shared_ptr<story> story_;
  std::optional<remote_scope> scope_;
};

}  // namespace workit
