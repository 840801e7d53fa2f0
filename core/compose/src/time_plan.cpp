// time_plan: the arithmetic of composed durations.
#include <algorithm>
#include <limits>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/scope/time_plan.hpp>

namespace workit {
namespace {

duration sum(duration a, duration b) { return a > duration::max() - b ? duration::max() : a + b; }
duration longer(duration a, duration b) { return std::max(a, b); }

duration times(duration d, std::uint64_t n) {
  if (d == duration::zero() || n == 0) return duration::zero();
  if (n > static_cast<std::uint64_t>(duration::max() / d)) return duration::max();
  return d * static_cast<duration::rep>(n);
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}
std::uint64_t times(std::uint64_t a, std::uint64_t n) {
  return n != 0 && a > std::numeric_limits<std::uint64_t>::max() / n ? std::numeric_limits<std::uint64_t>::max()
                                                                     : a * n;
}

std::int64_t units_of(const planned_charge& c) { return c.most.in_units(c.key->digits()); }
amount saturated(std::uint64_t units, const planned_charge& c) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return amount::of_units(static_cast<std::int64_t>(std::min(units, most)), c.key->digits());
}
amount sum_of(const planned_charge& a, const planned_charge& b) {
  return saturated(sum(static_cast<std::uint64_t>(units_of(a)), static_cast<std::uint64_t>(units_of(b))), a);
}
amount times_of(const planned_charge& c, std::uint64_t n) {
  return saturated(times(static_cast<std::uint64_t>(units_of(c)), n), c);
}

}  // namespace

std::string_view to_string(plan_finding f) noexcept {
  switch (f) {
    case plan_finding::deadline_infeasible:
      return "deadline_infeasible";
    case plan_finding::time_exceeds_timeout:
      return "time_exceeds_timeout";
    case plan_finding::retry_exceeds_timeout:
      return "retry_exceeds_timeout";
    case plan_finding::hedge_exceeds_timeout:
      return "hedge_exceeds_timeout";
    case plan_finding::jitter_upper_bound:
      return "jitter_upper_bound";
    case plan_finding::dynamic_backoff:
      return "dynamic_backoff";
    case plan_finding::empty_composition:
      return "empty_composition";
    case plan_finding::retry_budget_missing:
      return "retry_budget_missing";
    case plan_finding::retry_budget_exceeded:
      return "retry_budget_exceeded";
  }
  return "?";
}

time_plan::time_plan(shape s, std::size_t depth) : shape_(s), depth_(depth) {
  WORKIT_ASSERT(depth <= deepest, "a time_plan may be 64 deep at most");
}

time_plan time_plan::above(shape s, const time_plan& part) {
  time_plan p(s, part.depth_ + 1);
  p.estimate_ = part.estimate_;
  return p;
}

time_plan time_plan::attempt(duration most) {
  WORKIT_ASSERT(most >= duration::zero(), "time_plan: an attempt cannot take less than no time");
  time_plan p(shape::attempt, 1);
  p.estimate_ = {.upper_bound = most, .critical_path = most, .work = most, .attempts = 1};
  return p;
}

time_plan time_plan::join(const std::vector<time_plan>& parts, duration (*together)(duration, duration)) {
  std::size_t depth = 0;
  for (const auto& part : parts) depth = std::max(depth, part.depth_);
  time_plan p(shape::composition, depth + 1);
  auto& all = p.estimate_;
  for (const auto& part : parts) {
    const auto& one = part.estimate_;
    all.valid = all.valid && one.valid;
    all.upper_bound = together(all.upper_bound, one.upper_bound);
    all.critical_path = together(all.critical_path, one.critical_path);
    all.work = sum(all.work, one.work);
    all.attempts = sum(all.attempts, one.attempts);
    all.findings.insert(all.findings.end(), one.findings.begin(), one.findings.end());
    for (const auto& more : one.charges) p.charge(more);
  }
  if (parts.empty()) all.findings.push_back(plan_finding::empty_composition);
  return p;
}

time_plan time_plan::series(std::vector<time_plan> parts) { return join(parts, sum); }
time_plan time_plan::parallel(std::vector<time_plan> parts) { return join(parts, longer); }

time_plan time_plan::retry(const retry_options& options, time_plan part) {
  detail::check_options(options);
  auto p = above(shape::retry, part);
  auto& e = p.estimate_;
  e.upper_bound = times(e.upper_bound, options.times);
  for (std::size_t failed = 1; failed < options.times; ++failed)
    e.upper_bound = sum(e.upper_bound, options.backoff.is_dynamic()
                                           ? options.max_delay
                                           : options.backoff.delay(failed, options.initial_delay, options.max_delay));
  e.work = times(e.work, options.times);
  e.attempts = times(e.attempts, options.times);
  p.repeat_charges(options.times);
  if (options.times > 1 && options.jitter) e.findings.push_back(plan_finding::jitter_upper_bound);
  if (options.times > 1 && options.backoff.is_dynamic()) e.findings.push_back(plan_finding::dynamic_backoff);
  return p;
}

time_plan time_plan::retry(const retry_options& options, time_plan part, const retry_charge& charges) {
  auto p = retry(options, std::move(part));
  if (options.times == 1) return p;
  if (!charges.budget) {
    p.estimate_.valid = false;
    p.estimate_.findings.push_back(plan_finding::retry_budget_missing);
    return p;
  }
  const auto& b = *charges.budget;
  const auto digits = b.key->digits();
  const auto left = amount::of_units(b.limit.in_units(digits) - b.spent.in_units(digits), digits);
  planned_charge own{b.key, charges.each, left};
  own.most = times_of(own, options.times - 1);
  p.charge(own);
  return p;
}

void time_plan::charge(const planned_charge& more) {
  auto& all = estimate_.charges;
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.key == more.key; });
  if (found == all.end()) found = all.insert(found, planned_charge{more.key, 0, more.left});
  const bool said = found->exceeded || more.exceeded;
  found->most = sum_of(*found, more);
  found->left = std::min(found->left, more.left);
  found->exceeded = found->most > found->left;
  if (!found->exceeded) return;
  estimate_.valid = false;
  if (!said) estimate_.findings.push_back(plan_finding::retry_budget_exceeded);
}

void time_plan::repeat_charges(std::size_t times) {
  for (auto& c : std::exchange(estimate_.charges, {})) {
    c.most = times_of(c, times);
    charge(c);
  }
}

time_plan time_plan::hedge(const hedge_options& options, time_plan part) {
  detail::check_options(options);
  auto p = above(shape::hedge, part);
  auto& e = p.estimate_;
  // An attempt that fails before `after` has passed brings the next one forward.
  e.upper_bound = sum(e.upper_bound, times(std::min(options.after, e.upper_bound), options.max - 1));
  e.work = times(e.work, options.max);
  e.attempts = times(e.attempts, options.max);
  p.repeat_charges(options.max);
  return p;
}

void time_plan::cut(duration limit) {
  estimate_.upper_bound = std::min(estimate_.upper_bound, limit);
  estimate_.critical_path = std::min(estimate_.critical_path, limit);
}

time_plan time_plan::timeout(duration limit, time_plan part) {
  WORKIT_ASSERT(limit > duration::zero(), "time_plan: the limit of a timeout has to be more than zero");
  auto p = above(shape::limit, part);
  if (part.estimate_.upper_bound > limit)
    p.estimate_.findings.push_back(part.shape_ == shape::retry   ? plan_finding::retry_exceeds_timeout
                                   : part.shape_ == shape::hedge ? plan_finding::hedge_exceeds_timeout
                                                                 : plan_finding::time_exceeds_timeout);
  p.cut(limit);
  return p;
}

time_plan time_plan::deadline(duration left, time_plan part) {
  auto p = above(shape::limit, part);
  left = std::max(left, duration::zero());
  if (part.estimate_.critical_path > left) {
    p.estimate_.valid = false;
    p.estimate_.findings.push_back(plan_finding::deadline_infeasible);
  }
  p.cut(left);
  return p;
}

}  // namespace workit
