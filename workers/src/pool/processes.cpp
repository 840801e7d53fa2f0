// process_service: ties pools to the runtime's warden and loops.
//
// Invariants
// 1. A pool is a member before it is started, so that results are collected from the first one on and the pool ends if
// the
//    runtime ends meanwhile. Tasks find it once it is open.
// 2. Each loop has one handler for all pools, set before it turns.
// Lock order: mutex_ is a leaf; nothing is called under it.
#include <workit/workers/processes.hpp>

#include <algorithm>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {

struct process_service::member {
  std::shared_ptr<workers::process_pool> pool;
  bool open = false;
};

namespace {

void refuse_on_loop(const char* what) {
  WORKIT_ASSERT(
      detail::loop::current() == nullptr,
      std::string(what) + " was called on an I/O thread, which it would block: call it on a thread of your own");
}

start_failed no_pool(std::string_view name) {
  return start_failed("this runtime has no pool of processes called \"" + std::string(name) + "\"");
}

}  // namespace

process_service::process_service(process_options options)
    : first_(std::move(options)), has_first_(true), members_(std::make_shared<members>()) {}
process_service::process_service()
    : first_({.name = "processes"}), has_first_(false), members_(std::make_shared<members>()) {}
process_service::~process_service() = default;

void process_service::before_threads(runtime& owner) {
  share_warden(owner);
  std::vector<std::weak_ptr<detail::loop>> loops;
  for (const auto& loop : owner.loops()) {
    loops_.push_back(loop->wake_descriptor());
    loops.push_back(loop);
  }
  wake_ = [loops = std::move(loops)](std::size_t index) {
    if (const auto loop = loops[index].lock()) loop->wake_soon();
  };
  if (has_first_) {
    if (!first_.name.empty() && find_pool(owner, first_.name) != nullptr)
      throw start_failed("this runtime has two pools of processes called \"" + first_.name +
                         "\": give each a name of its own, by which offload finds it");
    add(first_);
  }
  for (const auto& loop : owner.loops())
    loop->on_wake([this, i = loop->index()] {
      const auto all = snapshot();
      for (const auto& m : *all) m.pool->collect(i);
    });
}

std::shared_ptr<const process_service::members> process_service::snapshot() const {
  const thread_lock guard(mutex_);
  return members_;
}

void process_service::change(const std::shared_ptr<workers::process_pool>& pool, bool add, bool open) {
  const thread_lock guard(mutex_);
  auto changed = std::make_shared<members>();
  for (const auto& m : *members_) {
    if (m.pool != pool && m.pool->name() == pool->name() && add)
      throw start_failed("this runtime has a pool of processes called \"" + pool->name() + "\" already");
    if (m.pool != pool) changed->push_back(m);
  }
  if (add && ended_) throw start_failed("pool \"" + pool->name() + "\" cannot be opened: the runtime has ended");
  if (add) changed->push_back({pool, open});
  members_ = std::move(changed);
}

std::shared_ptr<workers::process_pool> process_service::open(process_options options) {
  refuse_on_loop("open_pool()");
  WORKIT_ASSERT(has_warden(), "a pool was opened before a runtime has started the service");
  return add(std::move(options));
}

std::shared_ptr<workers::process_pool> process_service::add(process_options options) {
  auto fresh = std::make_shared<workers::process_pool>(std::move(options), warden(), loops_, wake_);
  change(fresh, true, false);
  try {
    fresh->start();
    change(fresh, true, true);
  } catch (...) {
    change(fresh, false, false);
    throw;
  }
  return fresh;
}

workers::shutdown_report process_service::close(std::string_view name, workers::shutdown_options how) {
  refuse_on_loop("close_pool()");
  const auto pool = name.empty() ? nullptr : find(name);
  if (!pool) throw no_pool(name);
  auto report = pool->stop(how);
  change(pool, false, false);
  return report;
}

std::shared_ptr<workers::process_pool> process_service::find(std::string_view name) const {
  const auto all = snapshot();
  for (const auto& m : *all)
    if (m.open && (name.empty() || m.pool->name() == name)) return m.pool;
  return nullptr;
}

void process_service::drain(deadline_point until) noexcept {
  const auto all = snapshot();
  for (const auto& m : *all) m.pool->drain(until);
}

void process_service::stop() noexcept {
  {
    const thread_lock guard(mutex_);
    ended_ = true;
  }
  const auto all = snapshot();
  for (const auto& m : *all) m.pool->stop();
}

workers::process_pool& process_service::pool() const {
  const auto first = has_first_ ? find(first_.name) : nullptr;
  WORKIT_ASSERT(first != nullptr, "the pool \"" + first_.name + "\" was used before a runtime started it");
  return *first;
}

std::unique_ptr<process_service> processes(process_options options) {
  return std::make_unique<process_service>(std::move(options));
}

std::unique_ptr<process_service> processes_later() { return std::make_unique<process_service>(); }

std::shared_ptr<workers::process_pool> find_pool(const runtime& owner, std::string_view name) {
  std::shared_ptr<workers::process_pool> found;
  static_cast<void>(
      owner.find_service<process_service>([&](const process_service& s) { return (found = s.find(name)) != nullptr; }));
  return found;
}

std::shared_ptr<workers::process_pool> open_pool(runtime& owner, process_options options) {
  if (find_pool(owner, options.name) != nullptr && !options.name.empty())
    throw start_failed("this runtime has a pool of processes called \"" + options.name + "\" already");
  auto* service = owner.find_service<process_service>([](const process_service&) { return true; });
  if (service == nullptr)
    throw start_failed(
        "pool \"" + options.name +
        "\" cannot be opened: make the runtime with workit::processes({...}) or workit::processes_later()");
  return service->open(std::move(options));
}

workers::shutdown_report close_pool(runtime& owner, std::string_view name, workers::shutdown_options how) {
  auto* service =
      owner.find_service<process_service>([&](const process_service& s) { return s.find(name) != nullptr; });
  if (service == nullptr) throw no_pool(name);
  return service->close(name, how);
}

}  // namespace workit
