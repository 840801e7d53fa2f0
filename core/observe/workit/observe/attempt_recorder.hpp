// attempt_recorder: keeps what became of each call of a task function.
#pragma once

#include <workit/base/event.hpp>
#include <workit/observe/redaction.hpp>
#include <workit/scope/detail/slot.hpp>
#include <workit/scope/snapshot.hpp>

namespace workit {

/// One call of a function.
struct attempt_record {
  work_id task = 0;      ///< the task in which it was made
  std::string name{};    ///< that task's name
  unsigned attempt = 1;  ///< as context::attempt() said
  time_point started{};  ///< the runtime's clock, as `completed`
  time_point completed{};
  event::attempt_end outcome = event::attempt_end::succeeded;
  std::string reason_code{};                ///< what kind of failure it was; empty when not given
  owned_fields metadata{};                  ///< what the caller says about it, redacted
  bool metadata_cut = false;                ///< some of that did not fit
  std::optional<failure_snapshot> error{};  ///< of one that failed

  [[nodiscard]] duration took() const noexcept { return completed - started; }
};

struct attempt_recorder_options {
  std::size_t max_attempts = 10'000;  ///< how many records are kept, 1 to 1,000,000; then the oldest goes
  /// Bytes of names and values that one record keeps, counted as they are after redaction; up to 1 MiB. Fields that do
  /// not fit are left out.
  std::size_t max_metadata = 4'096;
  workit::redaction redaction{};
};

/// What is said of the calls of one function.
struct attempt_details {
  /// The same for each, as in `{{"provider", "first"}}`. Lifetime: that of fields; wrap() copies them.
  fields metadata{};
  /// Asked for each call that did not succeed, with its exception: a code such as "rate_limited". What does not match
  /// ^[a-z][a-z0-9_]{0,127}$ is not kept, but counted, and so is what it throws.
  std::function<std::string(const std::exception_ptr&)> reason_code{};
};

/// Makes functions that are watched. A copy is another handle on the same records.
///
///   workit::attempt_recorder attempts;
///   auto ask = workit::retry({.times = 3}, attempts.wrap({.metadata = {{"provider", "first"}}}, ask_first));
///
/// Threads: any. Blocks: no (a short lock of its own). Lifetime: what was wrapped keeps the records, so that a recorder
/// may go first.
class attempt_recorder {
 public:
  /// Errors: std::invalid_argument for options beyond their ranges.
  explicit attempt_recorder(attempt_recorder_options options = {});

  /// A task function that calls `function` and makes a record of each call, when it has ended. What the call returns or
  /// throws is not changed.
  template <detail::task_function F>
  [[nodiscard("a task function does nothing until it is called")]] auto wrap(attempt_details details,
                                                                             F function) const {
    return [watched = watch(std::move(details)),
            function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
      detail::slot<detail::task_result<F>> value;
      run(*watched, ctx, [&](context& c) { detail::call_into<detail::task_result<F>>(value, function, c); });
      return detail::restore<detail::task_result<F>>(std::move(*value));
    };
  }
  template <detail::task_function F>
  [[nodiscard("a task function does nothing until it is called")]] auto wrap(F function) const {
    return wrap(attempt_details{}, std::move(function));
  }

  /// Those that were kept, in the order in which they ended.
  [[nodiscard]] std::vector<attempt_record> all() const;
  [[nodiscard]] std::size_t size() const;
  /// How many have gone because there were too many.
  [[nodiscard]] std::uint64_t dropped() const;
  /// How many reason codes were not kept.
  [[nodiscard]] std::uint64_t refused_codes() const;

 private:
  struct book;
  struct watched_function;

  [[nodiscard]] std::shared_ptr<const watched_function> watch(attempt_details details) const;
  static void run(const watched_function& watched, context& ctx, const std::function<void(context&)>& call);

  std::shared_ptr<book> book_;
};

}  // namespace workit
