// arena_service: see the header.
#include <workit/workers/arena.hpp>

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <condition_variable>
#include <mutex>
#include <workit/base/assert.hpp>
#include <workit/base/default_concurrency.hpp>
#include <workit/base/errors.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/scope/runtime.hpp>

#include "handed_to_tbb.hpp"

namespace workit {
namespace {

constexpr std::size_t most_threads = 1024;

arena_options checked(arena_options o) {
  if (o.name.empty() || o.name.size() > 64)
    throw start_failed("arena_options.name has " + std::to_string(o.name.size()) + " characters; it has 1 to 64");
  if (o.threads > most_threads)
    throw start_failed("arena \"" + o.name + "\": arena_options.threads is " + std::to_string(o.threads) +
                       "; it may be 0 to 1024");
  if (o.threads == 0) o.threads = default_concurrency();
  return o;
}

}  // namespace

struct arena_service::state {
  // No slot is kept for a thread that calls in, since none does; oneTBB counts one all the same.
  explicit state(std::size_t threads)
      : keeper(tbb::attach{}),
        allowed(tbb::global_control::max_allowed_parallelism, threads + 1),
        arena(static_cast<int>(threads), /*reserved_for_masters=*/0) {
    arena.initialize();
  }

  tbb::task_scheduler_handle keeper;
  tbb::global_control allowed;
  tbb::task_arena arena;
};

std::unique_ptr<arena_service> arena(arena_options options) {
  return std::make_unique<arena_service>(std::move(options));
}

arena_service::arena_service(arena_options options) : options_(checked(std::move(options))) {}

arena_service::~arena_service() { stop(); }

void arena_service::before_threads(runtime& owner) {
  if (owner.find_service<arena_service>([&](const arena_service& a) { return a.name() == name(); }) != this)
    throw start_failed("this runtime has two arenas called \"" + options_.name +
                       "\": give each a name of its own, by which offload finds it");
  share_warden(owner);
}

void arena_service::start(runtime&) { state_ = std::make_unique<state>(options_.threads); }

// The calls were joined by their scopes; what is left are threads without work.
void arena_service::stop() noexcept {
  if (state_ == nullptr) return;
  state_->arena.terminate();
  auto keeper = std::move(state_->keeper);
  state_.reset();
  tbb::finalize(keeper, std::nothrow);
}

void arena_service::enqueue(std::function<void()> work) {
  WORKIT_ASSERT(state_ != nullptr, "the arena \"" + options_.name + "\" was used before a runtime started it");
  state_->arena.enqueue(workers::handed_to_tbb(std::move(work)));
}

}  // namespace workit
