// runtime: intake, services, and an end that leaves nothing behind.
//
// Invariants
// 1. roots_->live counts roots that were accepted and whose task has not settled. The intake closes under the same lock
//    that accepts, so that shutdown sees every root there will ever be.
// 2. Services stop after the last root has settled and before the loops end: what they post still arrives.
// 3. Handles may keep the loops; their descriptors are given back all the same.
// Lock order: roots_->mutex is a leaf; nothing is called under it.
#include <workit/scope/runtime.hpp>

#include <sys/syscall.h>

#include <condition_variable>
#include <iterator>
#include <stdexcept>
#include <workit/base/assert.hpp>
#include <workit/base/detail/exit_from_work.hpp>
#include <workit/base/detail/guarded_stacks.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/context/detail/remote_budgets.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detached_tasks.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/fork_count.hpp>
#include <workit/base/detail/needed_calls.hpp>
#include "stall_detector.hpp"

namespace workit {

struct runtime::roots {
  thread_mutex mutex;
  std::condition_variable none_left;
  std::size_t live WORKIT_GUARDED_BY(mutex) = 0;
  bool intake_open WORKIT_GUARDED_BY(mutex) = true;
  bool ended WORKIT_GUARDED_BY(mutex) = false;
  std::atomic<std::size_t> next_loop{0};
};

namespace {

void check_options(const runtime_options& o) {
  constexpr std::size_t most_threads = 1024;
  WORKIT_CHECK_OPTION(o.io_threads <= most_threads,
                      "runtime_options.io_threads is " + std::to_string(o.io_threads) + "; it may be 0 to 1024");
  constexpr std::size_t least_stack = std::size_t{64} << 10, most_stack = std::size_t{1} << 30;
  WORKIT_CHECK_OPTION(
      o.stack_size >= least_stack && o.stack_size <= most_stack,
      "runtime_options.stack_size is " + std::to_string(o.stack_size) + " bytes; it may be 64 KiB to 1 GiB");
  WORKIT_CHECK_OPTION(o.cleanup_timeout > duration::zero(), "runtime_options.cleanup_timeout has to be more than zero");
  WORKIT_CHECK_OPTION(!o.stall_after || *o.stall_after >= std::chrono::milliseconds(1),
                      "runtime_options.stall_after has to be 1 ms at least, or absent");
  WORKIT_CHECK_OPTION(!o.stall_after || o.io_threads != 0,
                      "runtime_options.stall_after watches I/O threads, but io_threads is 0");
  WORKIT_CHECK_OPTION(
      o.clock == nullptr || !o.clock->is_manual() || o.io_threads <= 1,
      "a manual clock drives one loop, but runtime_options.io_threads is " + std::to_string(o.io_threads));
}

}  // namespace

namespace {

/// Of an I/O thread: what Asio and the loop's wakes are made of. Asio aborts, or goes on without, where they fail
/// later.
void require_calls_of_io() {
  constexpr long no_file = -1, nonsense = ~0;
  static constexpr detail::needed_call calls[] = {
      {"epoll_create1", SYS_epoll_create1, {nonsense}},   {"epoll_ctl", SYS_epoll_ctl, {no_file}},
      {"epoll_wait", SYS_epoll_wait, {no_file}},          {"eventfd2", SYS_eventfd2, {0, nonsense}},
      {"timerfd_create", SYS_timerfd_create, {nonsense}}, {"timerfd_settime", SYS_timerfd_settime, {no_file}},
  };
  detail::require_calls(calls, "a runtime");
}

}  // namespace

runtime::runtime(runtime_options options) : runtime(std::move(options), std::span<std::unique_ptr<service>>()) {}

runtime::runtime(runtime_options options, std::span<std::unique_ptr<service>> services)
    : options_(std::move(options)),
      made_after_forks_(detail::fork_count()),
      services_(std::move_iterator(services.begin()), std::move_iterator(services.end())),
      roots_(std::make_unique<roots>()),
      detached_(std::make_unique<detached_tasks>()) {
  check_options(options_);
  require_calls_of_io();
  if (options_.clock == nullptr) options_.clock = &steady_clock_source::instance();
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.io_threads); ++i)
    loops_.push_back(
        std::make_shared<detail::loop>(*this, i, *options_.clock,
                                       detail::loop_options{options_.stack_size, options_.io_threads != 0}));
  detail::install_overflow_report(options_.overflow_report);
  std::size_t begun = 0;
  try {
    for (; begun < services_.size(); ++begun) services_[begun]->before_threads(*this);
    if (options_.io_threads != 0)
      for (const auto& l : loops_) l->start();
    if (options_.stall_after)
      stalls_ = std::make_unique<detail::stall_detector>(loops_, *options_.stall_after, options_.on_stall);
    for (const auto& s : services_) s->start(*this);
  } catch (...) {
    while (begun-- > 0) services_[begun]->stop();
    end_loops();
    throw;
  }
}

runtime::~runtime() {
  if (detail::exit_comes_from_work()) detail::finish_exit();
  shutdown();
  services_.clear();  // what they have on a loop goes before its reactor
  for (const auto& l : loops_) l->close();
}

void runtime::install_warden(std::shared_ptr<alarm> warden) {
  WORKIT_ASSERT(warden_ == nullptr, "a runtime has one warden, and this one has it already");
  warden_ = std::move(warden);
  for (const auto& l : loops_) l->tell(warden_.get());
}

void runtime::ask_for_budgets(std::shared_ptr<detail::remote_budgets> keeper) { remote_budgets_ = std::move(keeper); }

void runtime::run_root(scope_options options, detail::scope_body body) {
  refuse_on_fiber();
  auto state = make_root(std::move(options), [body](scope& s) { body(s); });
  if (options_.io_threads == 0)
    run_here(state);
  else
    launch(state);
  task<void> root(std::move(state));
  auto ended = root.result();
  if (ended.is_cancelled()) throw scope_cancelled(ended.why(), root.name());
  std::move(ended).value();
}

void runtime::refuse_in_forked_child(const char* what) const {
  const bool moves_by_itself = options_.io_threads != 0 || !services_.empty();
  WORKIT_ASSERT(!moves_by_itself || detail::fork_count() == made_after_forks_,
                std::string(what) + " was called in a forked child, but runtime \"" + options_.name +
                    "\" was made before the fork: its threads run in the parent only. Let the child exec or _exit, or "
                    "make a runtime of its own");
}

void runtime::refuse_on_fiber() const {
  WORKIT_ASSERT(detail::loop::current() == nullptr,
                "runtime::run was called on an I/O thread, which it would block: open the scope with ctx.scope(...)");
}

detail::loop& runtime::next_home() {
  return *loops_[roots_->next_loop.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
}

bool runtime::accept(detail::task_state_base& root) {
  refuse_in_forked_child("runtime::run or spawn");
  {
    const thread_lock lock(roots_->mutex);
    if (roots_->intake_open) {
      ++roots_->live;
      return true;
    }
  }
  root.settle_unstarted(reason::shutdown{});
  return false;
}

void runtime::launch(std::shared_ptr<detail::task_state_base> root) {
  if (accept(*root)) root->home->post([root] { detail::task_state_base::start(root); });
}

void runtime::run_here(const std::shared_ptr<detail::task_state_base>& root) {
  if (accept(*root)) root->home->run_here([&root] { root->start_here(); });
}

std::size_t runtime::live_roots() const noexcept {
  const thread_lock lock(roots_->mutex);
  return roots_->live;
}

void runtime::root_ended() {
  const thread_lock lock(roots_->mutex);
  if (--roots_->live == 0) roots_->none_left.notify_all();
}

runtime_end runtime::how_it_ended() const {
  runtime_end end;
  for (const auto& s : services_)
    for (auto& each : s->running_on()) end.running_on.push_back(std::move(each));
  return end;
}

runtime_end runtime::shutdown(time_span grace) {
  if (detail::exit_comes_from_work()) return {};  // a handler of atexit() may want to wait, but that would be for ever
  WORKIT_ASSERT(detail::loop::current() == nullptr, "a runtime cannot be shut down from one of its own I/O threads");
  refuse_in_forked_child("runtime::shutdown, or the runtime's destructor,");
  {
    thread_lock lock(roots_->mutex);
    if (std::exchange(roots_->ended, true)) return how_it_ended();
    roots_->intake_open = false;
    const auto none = [this] {
      roots_->mutex.assert_held();
      return roots_->live == 0;
    };
    const auto until = deadline_point::in(grace, std::chrono::steady_clock::now());
    if (options_.io_threads == 0)
      ;  // nothing moves: what has been spawned since the last run() is cancelled below
    else if (until.is_never())
      roots_->none_left.wait(lock.native(), none);
    else
      roots_->none_left.wait_until(lock.native(), until.at(), none);
  }
  for (const auto& l : loops_) l->post([l] { l->cancel_roots(reason::shutdown{}); });
  if (options_.io_threads == 0) loops_.front()->drive_until([this] { return live_roots() == 0; });
  {
    thread_lock lock(roots_->mutex);
    while (roots_->live != 0) roots_->none_left.wait(lock.native());
  }
  const auto now = std::chrono::steady_clock::now();
  for (auto s = services_.rbegin(); s != services_.rend(); ++s) (*s)->drain(deadline_point{now});
  for (auto s = services_.rbegin(); s != services_.rend(); ++s) (*s)->stop();
  end_loops();
  return how_it_ended();
}

void runtime::end_loops() noexcept {
  stalls_.reset();
  for (const auto& l : loops_) l->join();
  for (const auto& l : loops_) l->tell(nullptr);  // handles may still cancel, but the warden goes with the runtime
}

}  // namespace workit
