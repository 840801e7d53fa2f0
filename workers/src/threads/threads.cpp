// thread_service: ties a pool of threads to the runtime's warden.
#include <workit/workers/threads.hpp>

#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {

thread_service::thread_service(thread_options options) : options_(std::move(options)) {}
thread_service::~thread_service() = default;

void thread_service::before_threads(runtime& owner) {
  if (!options_.name.empty() && find_threads(owner, options_.name) != nullptr)
    throw start_failed("this runtime has two pools of threads called \"" + options_.name +
                       "\": give each a name of its own, by which offload finds it");
  auto pool = std::make_shared<workers::thread_pool>(options_, share_warden(owner));
  pool->start();
  pool_ = std::move(pool);
}

void thread_service::stop() noexcept {
  if (pool_ != nullptr) pool_->stop();
}

std::vector<std::string> thread_service::running_on() const {
  return pool_ != nullptr ? workers::sentences_of(pool_->name(), pool_->status()) : std::vector<std::string>();
}

workers::thread_pool& thread_service::pool() const {
  WORKIT_ASSERT(pool_ != nullptr, "the pool \"" + options_.name + "\" was used before a runtime started it");
  return *pool_;
}

std::unique_ptr<thread_service> threads(thread_options options) {
  return std::make_unique<thread_service>(std::move(options));
}

std::shared_ptr<workers::thread_pool> find_threads(const runtime& owner, std::string_view name) {
  const auto* service = owner.find_service<thread_service>(
      [&](const thread_service& s) { return s.pool_ != nullptr && (name.empty() || s.name() == name); });
  return service != nullptr ? service->pool_ : nullptr;
}

}  // namespace workit
