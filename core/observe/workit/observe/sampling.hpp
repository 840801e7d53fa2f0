// sampling: which events of a scope, and of all below it, are worth sending on.
#pragma once

#include <optional>
#include <workit/base/event.hpp>

namespace workit {

/// A rule. Threads: any; it does not change.
class sampling {
 public:
  /// No events: no handler is registered.
  [[nodiscard]] static sampling off() noexcept { return sampling(kind::off); }
  /// Every event.
  [[nodiscard]] static sampling all() noexcept { return sampling(kind::all); }
  /// All of a scope and what is below it, or nothing of it: decided once for each scope that is attached, all with this
  /// probability. The same seed, the same decisions. Errors: std::invalid_argument for a rate that is
  /// not 0 to 1.
  [[nodiscard]] static sampling head(double rate, std::optional<std::uint64_t> seed = {});
  /// What operators ask about, decided when the work has ended: tasks that failed or were cancelled, those that
  /// succeeded but took at least `slow`, scopes that were stopped, cleanups that failed or overran, losers that do not
  /// answer, log lines that are errors, and that the telemetry budget has run out. Two seconds are longer than people
  /// like to wait for an answer. Errors: std::invalid_argument when `slow` is negative.
  [[nodiscard]] static sampling errors_and_slow(time_span slow = std::chrono::seconds(2));

  /// Whether an event passes, once its tree has been chosen.
  [[nodiscard]] bool keeps(const event_body& body) const;
  /// Whether a tree is chosen, given a random number in [0, 1).
  [[nodiscard]] bool chooses(double random) const noexcept;
  /// Whether the tree is chosen by chance.
  [[nodiscard]] bool is_head() const noexcept { return kind_ == kind::head; }
  [[nodiscard]] std::optional<std::uint64_t> seed() const noexcept { return seed_; }

 private:
  enum class kind : std::uint8_t { off, all, head, errors_and_slow };
  explicit sampling(kind k) noexcept : kind_(k) {}

  kind kind_;
  double rate_ = 1;
  std::optional<std::uint64_t> seed_{};
  duration slow_{};
};

/// Whether an event tells of a failure or a stop: such events are dropped last.
[[nodiscard]] bool tells_of_failure(const event_body& body) noexcept;

}  // namespace workit
