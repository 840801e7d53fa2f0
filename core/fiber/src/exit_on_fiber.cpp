// exit_on_fiber: a scheduler of Boost.Fiber that has nothing to do, with its main and its dispatcher context.
//
// boost::fibers::context has a private constructor and befriends all of worker_context; a specialisation for a type of
// ours may make the two contexts that Boost makes for a thread (src/context.cpp: context_initializer).
#include "exit_on_fiber.hpp"

#include <boost/fiber/algo/round_robin.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>
#include <type_traits>
#include <utility>

namespace workit::detail {
struct idle_thread;
}

namespace boost::fibers {

template <>
class worker_context<workit::detail::idle_thread> final : public context {
 public:
  explicit worker_context(type what) noexcept : context(what == type::main_context ? 1 : 0, what, launch::post) {}

  /// What the dispatcher of a thread does.
  void dispatch_when_resumed() {
    c_ = boost::context::fiber([this](boost::context::fiber&&) { return get_scheduler()->dispatch(); });
  }
  /// Becomes the active context; the caller goes on, on its own stack.
  void become_active() {
    auto* const before = active();
    c_ = boost::context::fiber([before](boost::context::fiber&&) { return std::move(before->c_); });
    resume();
  }
};

}  // namespace boost::fibers

namespace workit::detail {

namespace {

/// Since Boost 1.84 a scheduler is made with its algorithm; before, it had the same one by default.
template <class Scheduler>
Scheduler* make_scheduler() {
  using boost::fibers::algo::algorithm;
  if constexpr (std::is_constructible_v<Scheduler, algorithm::ptr_t>)
    return new Scheduler(algorithm::ptr_t(new boost::fibers::algo::round_robin));
  else
    return new Scheduler;
}

}  // namespace

void put_idle_scheduler() {
  using boost::fibers::type;
  using idle = boost::fibers::worker_context<idle_thread>;
  auto* const scheduler = make_scheduler<boost::fibers::scheduler>();
  auto* const main = new idle(type::main_context);
  auto* const dispatcher = new idle(type::dispatcher_context);
  scheduler->attach_main_context(main);
  scheduler->attach_dispatcher_context(boost::intrusive_ptr<boost::fibers::context>(dispatcher));
  dispatcher->dispatch_when_resumed();
  main->become_active();
}

}  // namespace workit::detail
