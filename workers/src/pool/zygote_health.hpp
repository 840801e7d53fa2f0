// Whether a zygote that is alive does anything.
#pragma once

#include "zygote_group.hpp"

namespace workit::workers {

/// How often a zygote is looked at while its patience lasts. Pulses are counted, and no clock is read: a host that was
/// stopped itself must not take its zygote for one that hangs.
inline constexpr unsigned health_pulses = 4;

/// What a pulse asks of the pool for one zygote.
enum class health_step {
  none,  ///< it has been asked, and may still answer; or there is no reason to ask
  ask,   ///< send it a ping
  hangs  ///< it has been silent for all pulses since it was asked: give it up
};

/// One pulse. A zygote is asked with one and has to say something before the fourth after it. `has_tasks`: the pool
/// has, and so needs the zygote. External synchronisation: the pool's mutex.
[[nodiscard]] health_step pulse(zygote_group& zygote, bool has_tasks) noexcept;

}  // namespace workit::workers
