// runtime: I/O threads, and the services that live beside them.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>
#include <workit/base/alarm.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/overflow_report.hpp>
#include <workit/base/service.hpp>
#include <workit/scope/runtime_end.hpp>
#include <workit/scope/scope.hpp>
#include <workit/scope/stall_report.hpp>

namespace workit::detail {
class remote_budgets;
class stall_detector;
}  // namespace workit::detail

namespace workit {

class detached_tasks;

struct runtime_options {
  std::string name = "workit";  ///< for messages
  /// How many I/O threads; a scope tree lives on one of them. One serves most hosts: CPU work belongs to offload. With
  /// 0 the runtime has none: run() runs its body on the calling thread and stack and drives all work of the runtime
  /// there, and so does a thread that waits for one of its tasks, or asks for its status; one thread at a time. Between
  /// these calls nothing moves.
  std::size_t io_threads = 1;
  /// Bytes of the stack of each fiber, and of the handlers of an I/O thread; committed as they are used. 64 KiB to 1
  /// GiB. 256 KiB serve I/O; a nested scope takes about 700 bytes, and std::regex 740 for each character of its input.
  /// With 0 threads the body of run() uses its caller's stack.
  std::size_t stack_size = std::size_t{256} * 1024;
  /// Whether a fiber that overflows its stack says so before the process ends by SIGSEGV. Of the first runtime that
  /// does not say `never`, for as long as the process.
  workit::overflow_report overflow_report = workit::overflow_report::if_default;
  /// Bound of one cleanup where no scope says otherwise: a hanging one must not hold its scope for ever.
  time_span cleanup_timeout = std::chrono::seconds(30);
  /// Where the time comes from; null is the machine. A manual clock needs one I/O thread at most. Outlives the runtime.
  clock_source* clock = nullptr;
  /// Reports a fiber or handler that holds its I/O thread longer than this, 1 ms at least: once, then every second
  /// while it lasts, 10 times a minute at most. Off by default, because it takes a thread that wakes four times in it
  /// and, for the stack, SIGURG, neither of which a library should take unasked; 50 ms suits a server. The signal can
  /// interrupt (EINTR) a system call in the code that is reported. A handler that sleeps is not seen, if its thread
  /// had been idle before it.
  std::optional<time_span> stall_after{};
  /// Hears every event, on the I/O threads; must not suspend, and what it throws is swallowed. What an event holds is
  /// in <workit/base/event.hpp>.
  std::function<void(const lifecycle_event&)> on_event{};
  /// Hears of stalls, on a thread of their own; what it throws is swallowed. None: they go to standard error.
  std::function<void(const stall_report&)> on_stall{};
};

/// Owns the I/O threads and services, opens root scopes. Its end cancels what is left (reason::shutdown), waits for it,
/// and leaves no thread, process or descriptor behind.
///
/// exit() may be called anywhere. In work of a runtime (a fiber, a handler, a task at boundary::thread) it ends the
/// process at once: handlers of atexit() and static destructors run, but no scope closes and no cleanup runs, since
/// what has called exit() never ends. Elsewhere a static runtime ends as any: it cancels what is left and waits. On a
/// thread of oneTBB that library crashes at its own end, after the program's handlers.
///
/// Threads: any may run and spawn; making and ending it is one thread's business. Errors: std::invalid_argument with a
/// sentence for options that cannot be; start_failed that names the system calls that it needs and that this process
/// may not make; what a service throws when it starts.
class runtime {
 public:
  explicit runtime(runtime_options options = {});
  template <class... Services>
    requires(std::convertible_to<Services&&, std::unique_ptr<service>>&&...)
  &&(sizeof...(Services) > 0) explicit runtime(runtime_options options, Services&&... services)
      : runtime(std::move(options), service_array<sizeof...(Services)>{std::forward<Services>(services)...}.all()) {}
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Opens a root scope, runs `body(scope&)` on a fiber, and returns its result. Blocks: the calling thread, until the
  /// scope has closed, and without I/O threads until nothing else is left either; misuse on a fiber, where
  /// context::scope does it. Errors: as context::scope.
  template <class F>
  decltype(auto) run(scope_options options, F&& body) {
    return detail::value_of_scope(body, [&](detail::scope_body in_scope) { run_root(std::move(options), in_scope); });
  }
  template <class F>
  decltype(auto) run(F&& body) {
    return run(scope_options{}, std::forward<F>(body));
  }
  template <class F>
  void run(F&&, scope_options) {
    detail::refuse_order<F>();
  }

  /// Opens a root scope and returns at once; its deadline counts from here, the time in the queue included.
  /// Blocks: no. Threads: any. After shutdown() has begun the task is born cancelled.
  template <class F>
  auto spawn(scope_options options, F&& body) {
    auto state = make_root(std::move(options), std::forward<F>(body));
    launch(state);
    return task<typename decltype(state)::element_type::T>(std::move(state));
  }
  template <class F>
  auto spawn(F&& body) {
    return spawn(scope_options{}, std::forward<F>(body));
  }
  template <class F>
  void spawn(F&&, scope_options) {
    detail::refuse_order<F>();
  }

  /// Ends the intake, gives running roots until `grace` has passed, cancels the rest with reason::shutdown, waits for
  /// them, and ends services and threads. Returns what runs on all the same, now: see runtime_end. Idempotent; the
  /// destructor calls it with no grace. Blocks: the calling thread; not after exit() in work of a runtime, where it does
  /// nothing. Misuse on a fiber.
  runtime_end shutdown(time_span grace = {});

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  [[nodiscard]] clock_source& clock() const noexcept { return *options_.clock; }
  /// Root scopes that have not closed yet.
  [[nodiscard]] std::size_t live_roots() const noexcept;

  /// The tasks of workit::detached that have not ended; see <workit/compose/detached.hpp>.
  [[nodiscard]] detached_tasks& detached() const noexcept { return *detached_; }

  /// What all roots are doing, each I/O thread's of one instant.
  /// Blocks: the fiber, or the foreign thread, until every I/O thread has answered; process_tree() waits no longer than
  /// told. Threads: any. Cancel: the caller's own scope, while the fiber waits. Errors: asserts on the own stack of one
  /// of several loops, which it would block; with io_threads = 1 it does not wait there.
  [[nodiscard]] runtime_snapshot status() const;

  /// For services: the I/O threads. Lifetime: the runtime's.
  [[nodiscard]] const std::vector<std::shared_ptr<detail::loop>>& loops() const noexcept { return loops_; }
  /// For services: the keeper of deadlines and stopper of work, which the first service that needs one installs.
  [[nodiscard]] alarm* warden() const noexcept { return warden_.get(); }
  void install_warden(std::shared_ptr<alarm> warden);
  /// For boundaries: asserts that this is not a forked child of the process in which the runtime was made; there its
  /// threads do not run. `what`: what was called.
  void refuse_in_forked_child(const char* what) const;
  /// For boundaries: sets the keeper of the budgets that no scope here has. Before the first run.
  void ask_for_budgets(std::shared_ptr<detail::remote_budgets> keeper);
  [[nodiscard]] detail::remote_budgets* remote_budgets() const noexcept { return remote_budgets_.get(); }
  /// The first service of type S for which `fits` is true; null when there is none.
  template <class S, class Fits>
  [[nodiscard]] S* find_service(Fits&& fits) const {
    for (const auto& s : services_)
      if (auto* found = dynamic_cast<S*>(s.get()); found != nullptr && fits(*found)) return found;
    return nullptr;
  }

 private:
  friend class detail::node;
  friend class detail::task_state_base;
  template <std::size_t N>
  struct service_array {
    std::unique_ptr<service> each[N];
    [[nodiscard]] std::span<std::unique_ptr<service>> all() noexcept { return each; }
  };

  /// Moves the services out of the span.
  runtime(runtime_options options, std::span<std::unique_ptr<service>> services);

  /// The task of a root scope, not launched.
  template <class F>
  auto make_root(scope_options options, F&& body) {
    task_options named{.name = options.name};
    if (options.deadline)
      options.deadline_at = std::min(options.deadline_at, deadline_point::in(*options.deadline, clock().now()));
    auto in_scope = [options = std::move(options), body = std::forward<F>(body)](
                        context& ctx) mutable -> decltype(auto) { return ctx.scope(std::move(options), body); };
    return detail::make_task(std::move(in_scope), std::move(named), next_home(), nullptr);
  }

  void run_root(scope_options options, detail::scope_body body);
  void refuse_on_fiber() const;
  [[nodiscard]] detail::loop& next_home();
  [[nodiscard]] bool accept(detail::task_state_base& root);
  void launch(std::shared_ptr<detail::task_state_base> root);
  void run_here(const std::shared_ptr<detail::task_state_base>& root);
  void root_ended();
  [[nodiscard]] runtime_end how_it_ended() const;
  void end_loops() noexcept;

  struct roots;

  runtime_options options_;
  const unsigned made_after_forks_;
  std::shared_ptr<alarm> warden_;
  std::shared_ptr<detail::remote_budgets> remote_budgets_;
  std::vector<std::unique_ptr<service>> services_;
  std::vector<std::shared_ptr<detail::loop>> loops_;
  std::unique_ptr<roots> roots_;
  std::unique_ptr<detached_tasks> detached_;
  std::unique_ptr<detail::stall_detector> stalls_;
};

}  // namespace workit
