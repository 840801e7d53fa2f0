// loop: one I/O thread: a Boost.Fiber scheduler that drives an Asio io_context.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/detail/exit_from_work.hpp>
#include <workit/base/detail/guarded_stacks.hpp>
#include <workit/base/detail/wake_pipe.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/fiber/detail/asio_configuration.hpp>
#include <workit/fiber/detail/block_pool.hpp>
#include <workit/fiber/detail/stack_pool.hpp>
#include <workit/fiber/detail/timer.hpp>

namespace workit {
class runtime;
}

namespace workit::detail {

class fiber_scheduler;
class handler_stack;
class stoppable;

/// What a loop is made with.
struct loop_options {
  std::size_t stack_size = stack_pool::stack_bytes;  ///< usable bytes of each fiber's stack, and of the handlers'
  bool has_thread = true;                            ///< else its callers drive it
};

/// Threads: the loop's own, unless said. Lifetime: shared with the cells of its scopes; its thread ends in join().
class loop final : public cancel_listener, public guarded_stacks, public std::enable_shared_from_this<loop> {
 public:
  loop(workit::runtime& owner, std::size_t index, clock_source& clock, loop_options options = {});
  ~loop() override;

  /// Starts the thread. Threads: the runtime's.
  void start();
  /// Ends the thread once all fibers have ended; what was posted before is still run. Threads: the runtime's.
  void join();
  /// Gives back what costs descriptors, although handles may keep the loop. Requires: join(); what was made on
  /// executor() is gone. Threads: the runtime's.
  void close() noexcept { reactor_.reset(); }

  /// For a loop without a thread: makes the calling one its own, calls `first`, if any, on the caller's stack, and
  /// drives the loop until no task is left. Blocks: until then. Errors: asserts that no other thread drives the loop,
  /// and that the calling thread is not another loop's.
  void run_here(const std::function<void()>& first);
  /// Returns when `done` is true: drives the loop, as run_here() does, unless another thread is at it, and then waits
  /// for that one, or for tell_drivers(). `done` is called under a lock.
  void drive_until(const std::function<bool()>& done);
  [[nodiscard]] bool is_driven_by_callers() const noexcept { return !has_thread_; }
  /// What a thread in drive_until() waits for may have come. Threads: any.
  void tell_drivers() noexcept;

  /// The loop whose thread this is; null elsewhere.
  [[nodiscard]] static loop* current() noexcept;

  /// Runs `work` on the loop's own stack, soon. Threads: any. Once the loop has ended it runs on the calling thread, or
  /// on that of another caller; nothing is dropped.
  void post(std::function<void()> work);
  /// Posts the delivery of a cancellation, then stops what runs behind boundaries below it. Threads: any.
  void cancelled(const cancel_cell::ptr& cell, tell_alarm then) noexcept override;

  /// Queues a task; its fiber, with its stack, is made when the loop next turns.
  void start_task(std::shared_ptr<stoppable> task);
  /// The tasks without an owner: what shutdown cancels, also those that come later.
  void add_root(stoppable& task);
  void remove_root(stoppable& task) noexcept { std::erase(roots_, &task); }
  void cancel_roots(const cancel_reason& why);

  void arm(timer& t, time_point at);
  void disarm(timer& t) noexcept;
  [[nodiscard]] time_point now() const noexcept { return clock_.now(); }

  // Instants for the records of tasks: reading the clock costs as much as switching to a fiber.
  /// Now, at the end of a task.
  [[nodiscard]] time_point task_ends_at() noexcept {
    ended_at_beat_ = beats();
    return seen_at_ = clock_.now();
  }
  /// Now, at the start of a task: the end of the one before it when nothing else has run between.
  [[nodiscard]] time_point task_starts_at() noexcept {
    constexpr std::uint64_t its_own_beat = 2;
    return beats() == ended_at_beat_ + its_own_beat ? seen_at_ : seen_at_ = clock_.now();
  }
  /// The latest instant that is known without reading the clock: a tick of the kernel ago at most.
  [[nodiscard]] time_point recently() const noexcept { return std::max(seen_at_, clock_.now_roughly()); }

  /// Sets the alarm that stops work behind boundaries; null for none. The one before may go once this has returned.
  /// Blocks: while calls to that one are under way. Threads: the runtime's.
  void tell(alarm* warden) noexcept;
  /// The keeper of the deadlines of the scopes that live here: the warden, or this loop.
  [[nodiscard]] alarm& deadlines() noexcept;

  /// The writing end of a pipe by which other processes wake this loop; the handlers then run on the loop's stack. It
  /// is made by the first call, before the loop runs. Errors: std::system_error when descriptors have run out.
  [[nodiscard]] int wake_descriptor();
  void on_wake(std::function<void()> handler);
  /// Has this process do the same. Threads: any. Blocks: no.
  void wake_soon();

  /// How many event handlers the scopes that live here have: without any, no events are made.
  std::size_t handlers = 0;

  /// Something outside is under way whose end comes back here: a manual clock must not jump meanwhile.
  void operation_started() noexcept { ++operations_; }
  void operation_ended() noexcept { --operations_; }
  /// Before this thread next sleeps, it looks for I/O again and again until `until`, by the machine's clock.
  void spin_until(time_point until) noexcept { spins_until_ = until; }

  /// A count of the turns and switches of this thread, odd while it waits for I/O: while the number stands at an even
  /// one, the thread is held by one fiber or handler. Threads: any reads it, the loop's counts.
  [[nodiscard]] std::uint64_t beats() const noexcept { return beats_.load(std::memory_order_relaxed); }
  void beat() noexcept { beats_.store((beats() | 1) + 1, std::memory_order_relaxed); }
  /// Its thread; 0 while it has none. Threads: any.
  [[nodiscard]] pid_t thread_id() const noexcept { return thread_id_.load(); }
  /// The live tasks without an owner.
  [[nodiscard]] const std::vector<stoppable*>& roots() const noexcept { return roots_; }

  [[nodiscard]] bool tell_overflow(std::uintptr_t address, signal_text& text) const noexcept override;
  /// Of its fibers. Threads: any.
  [[nodiscard]] const stack_pool& stacks() const noexcept { return stacks_; }
  /// Memory for what lives as long as a task.
  [[nodiscard]] block_pool& blocks() noexcept { return blocks_; }
  [[nodiscard]] boost::asio::io_context& io() noexcept { return reactor_->io; }
  [[nodiscard]] workit::runtime& owner() const noexcept { return owner_; }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }

 private:
  friend class fiber_scheduler;
  class own_alarm;
  class posting;
  struct exit_watch;

  /// What waits for I/O, for instants, and for other processes: an epoll set, an eventfd, a timerfd, a pipe's end.
  struct reactor {
    reactor() : io(1), work(io.get_executor()), earliest(io), wake(io) {}

    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
    boost::asio::steady_timer earliest;
    boost::asio::posix::stream_descriptor wake;
  };

  class driving;
  /// Drives the loop on the calling thread, which `driven_` stands for.
  void drive(const std::function<void()>& first);
  /// Waits for the one that drives; none will any more.
  void end_driving();
  void run();
  /// Takes the thread, and lets it go: fibers, events and I/O are this loop's between the two.
  void enter_thread();
  void leave_thread();
  /// exit() was called on this thread: it is no loop's any more, and what was under way here never ends.
  void leave_to_exit();
  /// Nothing will run here any more.
  void end_for_good();
  /// A queued or running task is no more.
  void task_ended();
  /// One turn, from the dispatcher's stack: timers, I/O, queued tasks.
  void turn(std::size_t ready);
  /// Makes the fibers of queued tasks, oldest first, as far as the `ready` ones leave room for; of one in any case.
  void begin_queued(std::size_t ready);
  /// Nothing is ready: waits for I/O, or lets a manual clock jump.
  void idle();
  /// Spins as spin_until() has asked for; whether something came, which has been handled then.
  bool has_come_soon();
  void fire_due();
  void watch_earliest();
  void await_wake();
  void run_wake_handlers();
  void close_wakes() noexcept;
  /// Runs `work` after the end: on this thread, or on one that is doing that already.
  void run_late(std::function<void()> work);
  void drain_late();

  workit::runtime& owner_;
  const std::size_t index_;
  clock_source& clock_;
  const bool is_manual_;
  std::optional<reactor> reactor_{std::in_place};  // none after close()
  time_point earliest_at_ = time_point::max();
  wake_pipe wakes_;  // none until it is asked for; its reading end is the reactor's, too
  std::vector<std::function<void()>> wake_handlers_;
  timer_heap timers_;
  std::unique_ptr<own_alarm> own_alarm_;
  std::deque<std::shared_ptr<stoppable>> queued_;
  std::vector<stoppable*> roots_;
  std::optional<cancel_reason> roots_end_;
  std::size_t operations_ = 0;
  time_point seen_at_{};             // when a task last started or ended here
  std::uint64_t ended_at_beat_ = 0;  // the beat in which one last ended
  time_point spins_until_{};         // machine time
  std::size_t live_ = 0;             // tasks queued or running
  std::uint64_t begun_ = 0;          // tasks there have ever been
  bool ending_ = false;
  bool has_looked_ = false;   // idle() was the last to look for I/O
  bool awaits_none_ = false;  // run_here() waits on its main fiber until live_ is 0
  bool woken_ = false;        // await_wake() was called
  const bool has_thread_;
  thread_mutex drivers_mutex_;
  std::condition_variable drivers_may_go_on_;
  bool driven_ WORKIT_GUARDED_BY(drivers_mutex_) = false;  // a thread is in drive(), or none will be any more
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> beats_{0};
  std::atomic<pid_t> thread_id_{0};
  std::atomic<int> posting_{0};
  thread_mutex late_mutex_;
  std::deque<std::function<void()>> late_ WORKIT_GUARDED_BY(late_mutex_);  // posted after the end
  bool running_late_ WORKIT_GUARDED_BY(late_mutex_) = false;
  std::atomic<alarm*> told_{nullptr};
  std::atomic<int> telling_{0};
  stack_pool stacks_;
  std::unique_ptr<handler_stack> handler_stack_;
  struct on_thread {
    explicit on_thread(const loop& self) : stacks(self) {}
    knows_its_stacks stacks;
    runs_work work;
  };
  std::optional<on_thread> on_thread_;  // while it has one
  block_pool blocks_;
  void* main_fiber_ = nullptr;  // boost::fibers::context* of run()
  std::thread thread_;
};

}  // namespace workit::detail
