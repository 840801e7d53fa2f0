// zygote_outage: see the header.
#include "zygote_outage.hpp"

#include <workit/workers/detail/restart_pause.hpp>

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

/// What waits for a worker is answered when there has been no zygote for this long.
constexpr auto longest_outage = 1s;

duration pause_after(unsigned failures) noexcept {
#ifdef WORKIT_WITHOUT_ZYGOTE_BRAKE
  failures = std::min(failures, 1U);
#endif
  return failures == 0 ? duration::zero() : restart_pause(failures - 1);
}

}  // namespace

zygote_outage::next_attempt zygote_outage::failed(time_point now) noexcept {
  if (since_ == time_point{}) since_ = now;
  next_attempt next{.pause = pause_after(in_a_row_++)};
  next.too_long = now + next.pause - since_ > longest_outage;
#ifdef WORKIT_WITHOUT_ZYGOTE_RETRY
  next.is_due = next.pause == duration::zero();
#endif
  return next;
}

}  // namespace workit::workers
