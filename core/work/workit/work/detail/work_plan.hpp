// work_plan: the options of a work builder, but for the functions.
#pragma once

#include <workit/compose/retry.hpp>

namespace workit::detail {

struct work_plan {
  std::size_t parallel = 1;
  duration spacing = duration::zero();  ///< between the starts of two items; zero for no limit
  std::optional<retry_options> retry{};
  std::optional<time_span> timeout{};  ///< of one item, all its attempts
  deadline_point deadline{};           ///< of each item
};

// Errors: std::invalid_argument for what cannot be.

void limit_parallel(work_plan& plan, std::size_t n);
void limit_rate(work_plan& plan, double per_second);
void retry_items(work_plan& plan, retry_options options);
void limit_time(work_plan& plan, time_span limit);
/// A stage takes a move-only item by value: then there is no second attempt.
void check_gives_away(const work_plan& plan);

}  // namespace workit::detail
