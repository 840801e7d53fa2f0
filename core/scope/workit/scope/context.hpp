// context: what the body of a task, scope or cleanup receives.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>
#include <workit/base/cancelled.hpp>
#include <workit/base/detail/refuse_order.hpp>
#include <workit/base/log_level.hpp>
#include <workit/base/progress.hpp>
#include <workit/context/budget.hpp>
#include <workit/context/values.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/detail/node.hpp>

namespace workit {

class runtime;
class scope_context;
struct scope_options;

namespace detail {

/// The node of a context, which says so when it is used after that has ended.
class open_node {
 public:
  explicit open_node(node& n) noexcept : node_(&n) {}
  void close() noexcept { node_ = nullptr; }
  [[nodiscard]] node& operator*() const noexcept {
    if (node_ == nullptr) refuse();
    return *node_;
  }
  [[nodiscard]] node* operator->() const noexcept { return &**this; }

 private:
  [[noreturn]] static void refuse() noexcept;

  node* node_;
};

}  // namespace detail

/// How a cleanup may behave.
struct defer_options {
  /// How long it may take before its cancel points throw; by default the scope's, else 30 s: a cleanup that hangs must
  /// not hold its scope for ever, and half a minute is longer than any healthy one.
  std::optional<time_span> timeout{};
};

/// The view of the work from inside. Cancel points are sleep_for, sleep_until, check, yield, task::get, every awaited
/// I/O operation, and each wait for a channel, mutex, condition, semaphore or event; nothing else is one. They look at
/// the innermost scope that the calling fiber is in.
///
/// Threads: the fibers of its own scope tree only (they share one I/O thread). Lifetime: until the task or
/// scope has ended, its cleanups included.
class context {
 public:
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// Whether this scope or task is being stopped; immediate, also while the loop is hogged. Blocks: no.
  [[nodiscard]] bool stopping() const { return node_->stopping(); }
  /// Why; null while it is not.
  [[nodiscard]] const cancel_reason* why() const;
  /// A token for code that understands std::stop_token. Delivered by the home loop: while a fiber hogs that, the token
  /// lags behind stopping(). Made on first use. Callbacks run on the loop's stack and must not suspend.
  [[nodiscard]] std::stop_token stop_token();

  /// Throws `cancelled` when stopping, after yielding once; else does nothing. Blocks: no. Cancel: is a cancel point.
  void check() {
    const auto* self = detail::fiber::current();
    if (self == nullptr || self->current_node->stopping()) check_slowly();
  }
  /// Lets other fibers of this thread run. Cancel: is a cancel point.
  void yield();
  /// Sleeps by the runtime's clock. Cancel: is a cancel point, checked also when there is nothing to wait for.
  void sleep_for(time_span d);
  void sleep_until(deadline_point at);

  /// The earliest deadline that rules here, from this scope up to the next shield.
  [[nodiscard]] deadline_point deadline() const;
  /// The runtime's clock.
  [[nodiscard]] time_point now() const;

  /// The value that the innermost scope which set `key` gave it, else the key's default. O(1), at any depth.
  /// Threads: any. Errors: value_not_set, which names the key. Lifetime: until that scope has closed.
  template <class T>
  [[nodiscard]] const T& get(const context_key<T>& key) const {
    if (const T* found = find(key)) return *found;
    if (const T* fallback = key.fallback()) return *fallback;
    throw_not_set(key);
  }
  /// The same, but null where no scope set it: a default does not count.
  template <class T>
  [[nodiscard]] const T* find(const context_key<T>& key) const noexcept {
    return values().find(key);
  }
  /// All that is set here: to hand on to a scope that is not below this one. Threads: any. Lifetime: as get().
  [[nodiscard]] const workit::values& values() const noexcept;

  /// Spends `how_much` of the nearest budget of `key`. What is given as a number counts as it is written: see amount.
  /// Blocks: no. Threads: any, at once; charges land exactly. Cancel: is no cancel point.
  /// Errors: budget_exceeded when it does not fit: nothing is spent, and the scope that owns the budget is being
  /// cancelled (reason::budget); budget_not_set; invalid_amount for what the key cannot count.
  void consume(const budget_key& key, amount how_much);
  /// Spends all of `charges` or nothing, as in `ctx.consume({{tokens, 40}, {calls, 1}})`. No other charge comes between
  /// its parts; budgets() reads one budget after the other. Blocks: while another such charge is at it, nanoseconds.
  /// Errors: as above, of the first key, by age, that does not fit.
  void consume(std::initializer_list<charge> charges) { consume(std::span(charges.begin(), charges.size())); }
  void consume(std::span<const charge> charges);
  /// The budget of `key` that is charged here, as it is now; nothing where there is none. Threads: any.
  [[nodiscard]] std::optional<budget_state> budget(const budget_key& key) const;
  /// All budgets that are charged here, the oldest key first. Threads: any.
  [[nodiscard]] std::vector<budget_state> budgets() const;

  /// Says how far this has got: `ctx.report({.pct = 0.5, .message = "parsed", .data = {{"rows", 10}}})`. The last
  /// report stays for snapshots, but for its data. Without a listener it costs no dispatch, and no allocation after
  /// the first.
  void report(const event::progress& said);
  /// Tells observers a line of log: `ctx.log(log_level::warn, "slow", {{"ms", 12}})`. Costs nothing without a
  /// listener.
  void log(log_level level, std::string_view message, fields data = {});
  /// Which attempt of the innermost retry around this it is, 1 for the first; 1 outside of one.
  [[nodiscard]] unsigned attempt() const noexcept { return node_->attempt(); }

  /// Runs `cleanup` when this task or scope has ended, last registered first, also after a kill: F() or F(context&),
  /// which may be move-only. It runs here in the host, shielded from cancellation and bounded. Errors: what it throws
  /// becomes an event; std::invalid_argument for a time-out of zero or less, and for more than 10,000 on one owner:
  /// then it was not registered.
  template <class F>
  void defer(defer_options options, F&& cleanup);
  template <class F>
  void defer(F&& cleanup) {
    defer(defer_options{}, std::forward<F>(cleanup));
  }
  template <class F>
  void defer(F&&, defer_options) {
    detail::refuse_order<F>();
  }

  /// Opens a scope below this one, runs `body(scope&)` on this fiber, waits for all the scope owns, and returns the
  /// body's result. Blocks: until everything in it has ended. Cancel: its own reason only, or with this one.
  /// Errors: the body's; else the first failure of a foreground task; timed_out when the scope had not closed by its
  /// own deadline, whatever the body returned; scope_cancelled when it alone was cancelled and its body left by that;
  /// `cancelled` when this scope is stopping too.
  template <class F>
  decltype(auto) scope(scope_options options, F&& body);
  template <class F>
  decltype(auto) scope(F&& body);
  template <class F>
  void scope(F&&, scope_options);  // for its sentence

  [[nodiscard]] work_id id() const noexcept { return node_->id; }
  [[nodiscard]] const std::string& name() const noexcept { return node_->name; }
  /// The runtime that this runs in.
  [[nodiscard]] workit::runtime& runtime() const;

  /// For layers above core: the tree's own node.
  [[nodiscard]] detail::node& node() const noexcept { return *node_; }
  explicit context(detail::node& n) noexcept : node_(n) {}

 protected:
  detail::open_node node_;

 private:
  void check_slowly();
  [[noreturn]] void throw_not_set(const detail::key_identity& key) const;
};

template <class F>
void context::defer(defer_options options, F&& cleanup) {
  using body = std::decay_t<F>;
  static_assert(std::invocable<body&, context&> || std::invocable<body&>,
                "workit: a cleanup is called as F(workit::context&) or F(): this one takes something else");
  detail::add_cleanup(*node_, {[kept = body(std::forward<F>(cleanup))](context& ctx) mutable {
                                if constexpr (std::is_invocable_v<body&, context&>)
                                  kept(ctx);
                                else
                                  kept();
                              },
                              options.timeout});
}

}  // namespace workit
