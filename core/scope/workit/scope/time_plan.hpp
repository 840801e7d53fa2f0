// time_plan: how long a composition may take, computed before anything runs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>
#include <workit/compose/hedge.hpp>
#include <workit/compose/retry.hpp>
#include <workit/context/budget.hpp>

namespace workit {

/// What is worth a second look in a plan.
enum class plan_finding : std::uint8_t {
  deadline_infeasible,    ///< a deadline passes although nothing fails; the plan is not valid
  time_exceeds_timeout,   ///< a time limit may end what it limits
  retry_exceeds_timeout,  ///< the same, of a retry: its last attempts may never come
  hedge_exceeds_timeout,  ///< the same, of a hedge
  jitter_upper_bound,     ///< a jittered delay was counted as if there were no jitter
  dynamic_backoff,        ///< the delays of a backoff function were counted as max_delay
  empty_composition,      ///< a series or parallel of nothing
  retry_budget_missing,   ///< retries are to be charged where there is no such budget; the plan is not valid
  retry_budget_exceeded,  ///< they may charge more than is left of it; the plan is not valid
};
[[nodiscard]] std::string_view to_string(plan_finding f) noexcept;

/// What the retries of a plan are charged, as retry_options::before_retry would.
struct retry_charge {
  amount each{};  ///< for each attempt but the first
  /// As context::budget() says: nothing where there is none.
  std::optional<budget_state> budget{};
};

/// What all retries of a plan together may charge on one budget.
struct planned_charge {
  const budget_key* key = nullptr;
  amount most{};  ///< saturates
  amount left{};  ///< when the budget was looked at
  bool exceeded = false;
};

/// What a plan comes to. Durations and counts saturate.
struct time_estimate {
  bool valid = true;
  duration upper_bound{};      ///< it never takes longer, whatever fails, if no attempt takes longer than was said
  duration critical_path{};    ///< what it takes when nothing fails
  duration work{};             ///< upper bound of the time of all attempts together
  std::uint64_t attempts = 0;  ///< upper bound of how many attempts are made
  std::vector<planned_charge> charges{};  ///< one for each key that its retries are charged on
  std::vector<plan_finding> findings{};   ///< in the order of the plan, the inner ones first
};

/// A composition by its durations: the same shapes as the composables, with time instead of functions. A value; making
/// and estimating it runs nothing. Threads: as any value. Errors: asserts on options as the composables do, and on a
/// plan more than 64 deep.
class time_plan {
 public:
  /// One call that takes at most `most`.
  static time_plan attempt(duration most);
  static time_plan series(std::vector<time_plan> parts);
  static time_plan parallel(std::vector<time_plan> parts);
  static time_plan retry(const retry_options& options, time_plan part);
  /// The same, with charges. Errors: invalid_amount for what the key of the budget cannot count.
  static time_plan retry(const retry_options& options, time_plan part, const retry_charge& charges);
  static time_plan hedge(const hedge_options& options, time_plan part);
  static time_plan timeout(duration limit, time_plan part);
  /// The deadline as the time that is left until it.
  static time_plan deadline(duration left, time_plan part);

  [[nodiscard]] const time_estimate& estimate() const noexcept { return estimate_; }

  static constexpr std::size_t deepest = 64;

 private:
  enum class shape : std::uint8_t { attempt, composition, retry, hedge, limit };
  time_plan(shape s, std::size_t depth);
  static time_plan above(shape s, const time_plan& part);
  /// Joins parts; `together` of two durations is their sum or the longer one.
  static time_plan join(const std::vector<time_plan>& parts, duration (*together)(duration, duration));
  /// Cuts off at `limit` and says so.
  void cut(duration limit);
  /// Adds to the charge on that key, and says so once it is more than is left.
  void charge(const planned_charge& more);
  void repeat_charges(std::size_t times);

  shape shape_;
  std::size_t depth_;
  time_estimate estimate_;
};

}  // namespace workit
