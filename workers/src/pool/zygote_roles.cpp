// zygote_roles: see the header.
#include "zygote_roles.hpp"

#include <algorithm>
#include <utility>

#include "worker_handle.hpp"

namespace workit::workers {

void zygote_roles::add(group fresh, role r) {
  all_.push_back(fresh);
  (r == role::serving ? serving_ : next_) = std::move(fresh);
}

zygote_roles::group zygote_roles::promote_next() {
  auto before = std::exchange(serving_, std::exchange(next_, nullptr));
  serving_->serves = true;
  return before;
}

void zygote_roles::dismiss_if_done(zygote_group& g) noexcept {
  if (is_retired(g) && g.busy == 0) g.dismiss();
}

void zygote_roles::forget_if_over(const zygote_group& g) {
  if (g.is_over()) std::erase_if(all_, [&](const group& listed) { return listed.get() == &g; });
}

bool zygote_roles::are_all_cleared() const noexcept {
  return std::all_of(all_.begin(), all_.end(), [](const group& g) { return g->cleared; });
}

void zygote_roles::clear() noexcept {
  serving_.reset();
  next_.reset();
  all_.clear();
}

}  // namespace workit::workers
