// plan: the options that a work builder refuses.
#include <cmath>
#include <workit/work/detail/work_plan.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/number_text.hpp>

namespace workit::detail {

void limit_parallel(work_plan& plan, std::size_t n) {
  WORKIT_CHECK_OPTION(n > 0, "work().in_parallel(0): nothing could run; it may be 1 or more");
  plan.parallel = n;
}

void limit_rate(work_plan& plan, double per_second) {
  WORKIT_CHECK_OPTION(std::isfinite(per_second) && per_second > 0,
                      "work().rate_limit(" + number_text(per_second) +
                          "): the number of starts in a second has to be finite and more than zero");
  const double spacing = std::ceil(static_cast<double>(duration(std::chrono::seconds(1)).count()) / per_second);
  const auto most = static_cast<double>(duration::max().count());
  plan.spacing = spacing < most ? duration(static_cast<duration::rep>(spacing)) : duration::max();
}

void retry_items(work_plan& plan, retry_options options) {
  check_options(options);
  plan.retry = std::move(options);
}

void limit_time(work_plan& plan, time_span limit) { plan.timeout = limit; }

void check_gives_away(const work_plan& plan) {
  WORKIT_CHECK_OPTION(!plan.retry,
                      "work().retry(): its first map() takes a move-only item by value, so that a second attempt would "
                      "find it empty; take it by reference");
}

}  // namespace workit::detail
