// Whether a zygote that is alive does anything: one that is stopped, or hangs, is replaced.
#include <sys/timerfd.h>
#include <unistd.h>

#include <string>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// A question is asked with one pulse and has to be answered before the fourth after it. Pulses are counted and not
/// read off a clock: a host that has been stopped itself is not to blame the zygote for it.
constexpr unsigned pulses = 4;

}  // namespace

void pool_core::keep_health_checked() {
#ifdef WORKIT_WITHOUT_ZYGOTE_HEALTH
  return;
#endif
  if (checking_health_) return;
  checking_health_ = true;
  const auto ns = options_.zygote_patience.count() / pulses;
  const timespec each{ns / 1'000'000'000, ns % 1'000'000'000};
  const itimerspec pulse{each, each};
  ::timerfd_settime(health_timer_.get(), 0, &pulse, nullptr);
}

void pool_core::on_health_timer() {
  std::uint64_t times = 0;
  if (::read(health_timer_.get(), &times, sizeof times) != sizeof times) return;
  std::vector<std::shared_ptr<zygote_group>> asked, hung;
  {
    const lock guard(mutex_);
    for (const auto& b : {serving_, next_})
      if (b && b->link && b->watched && b->ready && !b->dismissed) asked.push_back(b);
  }
  for (const auto& b : asked) on_zygote_readable(b);  // what it has said by now is heard first
  {
    const lock guard(mutex_);
    const bool tasks = !queue_.empty() || busy() != 0;
    bool needed = tasks;
    for (const auto& b : asked) {
      if (!b->link || b->dismissed) continue;
      if (b->asked && ++b->silent >= pulses) hung.push_back(b);
      if (!b->asked && tasks) {
        b->asked = true;
        b->silent = 0;
        // With no room for it there is enough to be answered.
        static_cast<void>(b->link->send({.kind = message_kind::ping}));
      }
      needed = needed || b->asked;
    }
    if (!needed) {
      checking_health_ = false;
      const itimerspec never{};
      ::timerfd_settime(health_timer_.get(), 0, &never, nullptr);
    }
  }
  for (const auto& b : hung) zygote_hangs(b);
}

/// Its running tasks go on: a worker needs its zygote to be born and to be buried, and nothing of it between.
void pool_core::zygote_hangs(const std::shared_ptr<zygote_group>& from) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.zygote_patience).count();
  const auto how = "did not answer for " + std::to_string(ms) + " ms";
  std::vector<orphan> orphans;
  {
    const lock guard(mutex_);
    if (from == next_) return give_up(*from, "its zygote " + how);
    if (from != serving_) return;
    serving_.reset();
    losses_.clear();
    from->hung = true;
    orphans = take_orphans(from, with_tasks::go_on);
    if (from->busy == 0) from->dismiss();
  }
  adopt_orphans(std::move(orphans), how);
  zygote_missing(how);
}

}  // namespace workit::workers
