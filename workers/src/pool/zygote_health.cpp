// zygote_health: see the header.
#include "zygote_health.hpp"

#include "worker_handle.hpp"

namespace workit::workers {

health_step pulse(zygote_group& zygote, bool has_tasks) noexcept {
#ifdef WORKIT_WITHOUT_ZYGOTE_HEALTH
  has_tasks = false;
#endif
  if (zygote.asked) return ++zygote.silent >= health_pulses ? health_step::hangs : health_step::none;
  if (!has_tasks) return health_step::none;
  zygote.asked = true;
  zygote.silent = 0;
  return health_step::ask;
}

}  // namespace workit::workers
