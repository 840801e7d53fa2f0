// loop: one I/O thread.
//
// Invariants
// 1. Every member but the io_context (thread-safe), the atomics, what late_mutex_ guards, and `owner_`, `index_`,
//    `clock_`, `wakes_` (constant) is touched on the loop's thread only, or before it starts and after it ended.
// 2. Handlers, timers and posted work run on the handler stack, where fiber::current() is null.
// 3. The thread ends when `ending_` and no task is queued or running; what was posted before join() has run by then.
// 4. Posted work runs on the loop, or, where post() sees `ended_`, on the posting thread. One thread at a time runs
//    such late work; concurrent posters leave theirs to it. The reactor is not touched after `ended_` but by threads
//    that `posting_` counts, for which the end waits: so close() can give it back although handles still post.
// 5. A cancellation may come while the runtime ends, or later. It touches the loop, which its cell keeps, and `told_`.
//    tell() returns only when no thread is between reading the old `told_` and its last use of it (`telling_` counts).
// Lock order: late_mutex_ is a leaf; no work runs under it.
#include <workit/fiber/detail/loop.hpp>

#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <system_error>
#include <workit/base/assert.hpp>
#include <workit/base/detail/process_scheduling.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/stoppable.hpp>

#include "exit_on_fiber.hpp"
#include "fiber_scheduler.hpp"
#include "handler_stack.hpp"
#include "live_loops.hpp"
#include "sanitizer_switch.hpp"
#include "signal_stack.hpp"

namespace workit::detail {
namespace {

thread_local loop* this_loop = nullptr;

// Tasks are begun in batches: a thousand short ones then share a few hot stacks instead of touching a thousand.
constexpr std::size_t begun_at_once = 32;

}  // namespace

/// Keeps the deadlines of a runtime without a warden, and of one on a manual clock: fires while the loop turns.
class loop::own_alarm final : public alarm, public timer {
 public:
  explicit own_alarm(loop& l) noexcept : loop_(l) {}

  void arm(const std::shared_ptr<cancel_cell>& cell, time_point at) override {
    cells_.arm(*cell, at);
    follow();
  }
  void disarm(cancel_cell& cell) noexcept override {
    cells_.disarm(cell);
    follow();
  }
  void cancelled(const cancel_cell&) noexcept override {}

  void fire() override {
    const auto now = loop_.now();
    while (!cells_.empty() && cells_.top()->at <= now) {
      auto cell = static_cast<cancel_cell*>(cells_.top())->shared_from_this();
      const auto at = cell->at;
      cells_.disarm(*cell);
      cell->request(cell->expiry(deadline_point{at}, deadline_point{at}.overdue(now)));
    }
    follow();
  }

 private:
  void follow() {
    if (cells_.empty())
      loop_.disarm(*this);
    else
      loop_.arm(*this, cells_.top()->timer_entry::at);
  }

  loop& loop_;
  timer_heap cells_;
};

/// Is destroyed with its thread. That is done by exit() if the thread drives a loop.
struct loop::exit_watch {
  ~exit_watch() {
    if (this_loop != nullptr) this_loop->leave_to_exit();
  }
};

loop::loop(workit::runtime& owner, std::size_t index, clock_source& clock, loop_options options)
    : owner_(owner),
      index_(index),
      clock_(clock),
      is_manual_(clock.is_manual()),
      has_thread_(options.has_thread),
      stacks_(options.stack_size),
      handler_stack_(std::make_unique<handler_stack>(stacks_)) {
  own_alarm_ = std::make_unique<own_alarm>(*this);
}

loop::~loop() {
  WORKIT_ASSERT(!thread_.joinable(), "an I/O thread was dropped while it ran");
  close_wakes();
}

void loop::close_wakes() noexcept {
  if (reactor_ && reactor_->wake.is_open()) reactor_->wake.release();  // `wakes_` owns the descriptor
  wakes_.reset();
}

[[gnu::noinline]] loop* loop::current() noexcept { return this_loop; }

void loop::start() {
  live_loops::add(shared_from_this());
  thread_ = std::thread([this] { run(); });
}

void loop::join() {
  live_loops::remove(*this);
  end_driving();
  if (!thread_.joinable()) return end_for_good();
  post([this] {
    ending_ = true;
    boost::fibers::context::active()->schedule(static_cast<boost::fibers::context*>(main_fiber_));
  });
  thread_.join();
}

void loop::enter_thread() {
  static thread_local const signal_stack for_probes_and_overflows;
  handler_stack_->run([] {});  // its stack is taken where that may fail
  this_loop = this;
  on_thread_.emplace(*this);
  thread_id_.store(gettid());
  boost::fibers::use_scheduling_algorithm<fiber_scheduler>(*this);
  if (wakes_ && !std::exchange(woken_, true)) await_wake();
  main_fiber_ = boost::fibers::context::active();
  static thread_local const exit_watch after_that_of_boost;  // and so destroyed before it
}

void loop::leave_to_exit() {
  put_idle_scheduler();
  fiber::forget_current();
  this_loop = nullptr;
}

void loop::leave_thread() {
  arrive_on_thread_stack();
  on_thread_.reset();
  this_loop = nullptr;
  thread_id_.store(0);
}

void loop::end_for_good() {
  handler_stack_->end();
  {
    const thread_lock lock(late_mutex_);
    running_late_ = true;  // what comes from now on runs after what came before
  }
  ended_.store(true);
  for (auto under_way = posting_.load(); under_way != 0; under_way = posting_.load()) posting_.wait(under_way);
  close_wakes();
  reactor_->earliest.cancel();
  reactor_->work.reset();
  reactor_->io.restart();
  reactor_->io.poll();
  drain_late();
}

void loop::run() {
  prctl(PR_SET_NAME, ("workit-io-" + std::to_string(index_)).c_str());
  workit::detail::run_as_process(getpid());
  enter_thread();
  while (!ending_) boost::fibers::context::active()->suspend();
  WORKIT_ASSERT(live_ == 0, "an I/O thread was told to end while tasks were alive on it");
  boost::fibers::context::active()->yield();  // the dispatcher frees the stacks of fibers that have just ended
  leave_thread();
  end_for_good();
}

void loop::task_ended() {
  if (--live_ == 0 && awaits_none_)
    boost::fibers::context::active()->schedule(static_cast<boost::fibers::context*>(main_fiber_));
}

/// A thread that may be using the reactor, unless it sees `ended_`.
class loop::posting {
 public:
  explicit posting(loop& to) noexcept : to_(to) { to_.posting_.fetch_add(1); }
  ~posting() {
    if (to_.posting_.fetch_sub(1) == 1 && to_.ended_.load()) to_.posting_.notify_all();
  }
  posting(const posting&) = delete;
  posting& operator=(const posting&) = delete;

 private:
  loop& to_;
};

void loop::post(std::function<void()> work) {
  {
    const posting here(*this);
    if (!ended_.load()) return boost::asio::post(reactor_->io, std::move(work));
  }
  run_late(std::move(work));
}

void loop::run_late(std::function<void()> work) {
  {
    const thread_lock lock(late_mutex_);
    late_.push_back(std::move(work));
    if (std::exchange(running_late_, true)) return;
  }
  drain_late();
}

void loop::drain_late() {
  for (;;) {
    std::function<void()> next;
    {
      const thread_lock lock(late_mutex_);
      if (late_.empty()) {
        running_late_ = false;
        return;
      }
      next = std::move(late_.front());
      late_.pop_front();
    }
    next();
  }
}

void loop::cancelled(const cancel_cell::ptr& cell, tell_alarm then) noexcept {
  post([cell] {
    if (cell->owner != nullptr) static_cast<stoppable*>(cell->owner)->deliver_below();
  });
  if (then == tell_alarm::no) return;
  telling_.fetch_add(1);
  if (auto* warden = told_.load()) warden->cancelled(*cell);
  if (telling_.fetch_sub(1) == 1) telling_.notify_all();
}

void loop::tell(alarm* warden) noexcept {
  told_.store(warden);
  for (auto under_way = telling_.load(); under_way != 0; under_way = telling_.load()) telling_.wait(under_way);
}

void loop::start_task(std::shared_ptr<stoppable> task) {
  ++live_;
  ++begun_;
  queued_.push_back(std::move(task));
}

void loop::add_root(stoppable& task) {
  roots_.push_back(&task);
  if (roots_end_) task.cell()->request(*roots_end_);
}

void loop::cancel_roots(const cancel_reason& why) {
  roots_end_ = why;
  const auto roots = roots_;  // cancelling runs no user code, but stay on the safe side of a changing list
  for (auto* root : roots) root->cell()->request(why);
}

void loop::turn(std::size_t ready) {
  beat();
  fire_due();
  // Each look for I/O is a system call: idle() has just made one, or will, when there is nothing else to do. A manual
  // clock jumps there, and only when nothing has come.
  const bool has_looked = std::exchange(has_looked_, false), will_look = ready == 0 && queued_.empty();
  if (is_manual_ || !(has_looked || will_look)) reactor_->io.poll();
  begin_queued(ready);
}

void loop::begin_queued(std::size_t ready) {
  // One at least: the ready fibers may be waiting, by yielding, for just the task that is queued.
  for (std::size_t n = 0; (n == 0 || ready + n < begun_at_once) && !queued_.empty(); ++n) {
    auto body = [this, task = std::move(queued_.front())]() mutable {
      forget_entry();
      task->run();
      task.reset();
      task_ended();
    };
    queued_.pop_front();
    boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg, pooled_stack(stacks_), std::move(body))
        .detach();
  }
}

bool loop::tell_overflow(std::uintptr_t address, signal_text& text) const noexcept {
  const auto* running = fiber::current();
  const void* inside = handler_stack_->inside();
  if (running != nullptr) inside = running->has_own_stack() ? running : nullptr;
  if (inside == nullptr) return false;
  const auto stack = stacks_.span_of(inside);
  if (address < stack.guard || address >= stack.low) return false;
  text << "workit: ";
  if (running != nullptr && running->current_node != nullptr)
    running->current_node->describe(text);
  else
    text << "a handler on I/O thread " << index_ << " (of I/O, events, receipts or stop tokens)";
  text << " has overflowed its stack of " << stacks_.usable_bytes() / 1024
       << " KiB. Give it more (runtime_options::stack_size), or move the work to where stacks are large: behind a "
          "boundary (workit::offload).\n";
  return true;
}

void loop::idle() {
  if (is_manual_ && operations_ == 0 && !timers_.empty() && !deadline_point(timers_.top()->at).is_never()) {
    clock_.advance_to(timers_.top()->at);
    return;
  }
  watch_earliest();
  has_looked_ = true;
  if (has_come_soon()) return;
  beats_.store(beats() | 1, std::memory_order_relaxed);
  reactor_->io.run_one();
  beat();
}

bool loop::has_come_soon() {
  if (operations_ == 0 || spins_until_ == time_point{}) return false;
  do {
    if (reactor_->io.poll_one() != 0) return true;
  } while (std::chrono::steady_clock::now() < spins_until_);
  spins_until_ = {};
  return false;
}

void loop::fire_due() {
  if (timers_.empty()) return;
  const auto now = clock_.now();
  while (!timers_.empty() && timers_.top()->at <= now) {
    auto* due = static_cast<timer*>(timers_.top());
    timers_.disarm(*due);
    due->fire();
  }
}

void loop::watch_earliest() {
  if (is_manual_ || timers_.empty()) return;
  const auto at = timers_.top()->at;
  if (at == earliest_at_) return;
  earliest_at_ = at;
  reactor_->earliest.expires_at(at);
  reactor_->earliest.async_wait([this](const boost::system::error_code& failed) {
    if (!failed) earliest_at_ = time_point::max();
  });
}

void loop::arm(timer& t, time_point at) { timers_.arm(t, at); }
void loop::disarm(timer& t) noexcept { timers_.disarm(t); }

alarm& loop::deadlines() noexcept {
  auto* warden = is_manual_ ? nullptr : told_.load(std::memory_order_acquire);
  return warden != nullptr ? *warden : *own_alarm_;
}

int loop::wake_descriptor() {
  if (!wakes_) {
    WORKIT_ASSERT(!thread_.joinable(), "an I/O thread was asked for its wake descriptor while it runs: ask before");
    wakes_ = wake_pipe::make();
    if (!wakes_) throw std::system_error(errno, std::generic_category(), "pipe2 for an I/O thread");
    reactor_->wake.assign(wakes_.get());
  }
  return wakes_.writing();
}

void loop::on_wake(std::function<void()> handler) { wake_handlers_.push_back(std::move(handler)); }

void loop::await_wake() {
  reactor_->wake.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this](const boost::system::error_code& failed) {
                              if (failed) return;
                              wakes_.drain();
                              run_wake_handlers();
                              await_wake();
                            });
}

void loop::wake_soon() {
  post([this] { run_wake_handlers(); });
}

void loop::run_wake_handlers() {
  for (const auto& handler : wake_handlers_) handler();
}

}  // namespace workit::detail
