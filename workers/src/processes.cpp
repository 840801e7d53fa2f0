// process_service: ties a pool to the runtime's warden and loops.
#include <workit/base/assert.hpp>
#include <workit/detail/loop.hpp>
#include <workit/runtime.hpp>
#include <workit/workers/processes.hpp>

namespace workit {

void process_service::before_threads(runtime& owner) {
  if (owner.warden() == nullptr) owner.install_warden(std::make_shared<preempt::warden>());
  auto* warden = dynamic_cast<preempt::warden*>(owner.warden());
  WORKIT_ASSERT(warden != nullptr, "the pool \"" + options_.name + "\" needs preempt::warden as the runtime's warden");
  std::vector<int> descriptors;
  for (const auto& loop : owner.loops()) descriptors.push_back(loop->wake_descriptor());
  pool_ = std::make_unique<workers::process_pool>(options_, *warden, std::move(descriptors));
  pool_->start();
  for (const auto& loop : owner.loops()) loop->on_wake([pool = pool_.get(), i = loop->index()] { pool->collect(i); });
}

void process_service::drain(deadline until) noexcept {
  if (pool_) pool_->drain(until);
}

void process_service::stop() noexcept {
  if (pool_) pool_->stop();
}

workers::process_pool& process_service::pool() const {
  WORKIT_ASSERT(pool_ != nullptr, "the pool \"" + options_.name + "\" was used before a runtime started it");
  return *pool_;
}

}  // namespace workit
