// node: a task, a scope or a running cleanup in the tree of its home loop.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>
#include <workit/base/event_forward.hpp>
#include <workit/base/receipt.hpp>
#include <workit/base/unique_function.hpp>
#include <workit/fiber/detail/stoppable.hpp>
#include <workit/scope/detail/self_report.hpp>

namespace workit {
class context;
struct scope_receipt;
}  // namespace workit

namespace workit::detail {

class fiber;
class loop;
class node;
class scope_node;
struct scope_registry;

/// A registered cleanup: what to call, and how long it may take.
struct cleanup {
  unique_function<void(context&)> run;
  std::optional<duration> bound;
};

/// A handler as its scope keeps it; a subscription refers to it.
struct scope_handler {
  explicit scope_handler(node& scope) noexcept;
  scope_handler(const scope_handler&) = delete;
  scope_handler& operator=(const scope_handler&) = delete;
  virtual ~scope_handler() = default;
  /// Takes it from its scope. Threads: the scope's loop.
  virtual void leave() noexcept = 0;

  node& of;  ///< open for as long as it keeps this
  loop* const home;
};

struct event_handler final : scope_handler {
  event_handler(node& scope, std::function<void(const lifecycle_event&)> handler) noexcept
      : scope_handler(scope), call(std::move(handler)) {}
  void leave() noexcept override;

  const std::function<void(const lifecycle_event&)> call;
  bool has_left = false;
};

/// A stop receipt under the name of its task.
struct named_stop {
  std::string task;
  std::shared_ptr<receipt_slot> receipt;
};

/// What only some nodes have; made when the first of it comes, so that a task in a queue stays small.
struct node_extras {
  std::vector<cleanup> cleanups;
  std::optional<std::stop_source> stop;
  std::optional<duration> cleanup_bound;
  std::vector<named_stop> stops;
  std::uint64_t stops_dropped = 0;
  std::vector<std::shared_ptr<event_handler>> handlers;
  std::unique_ptr<self_report> said;
  std::unique_ptr<scope_registry> registry;  // of a scope
  // Of a task; written before its final status, read after it:
  std::exception_ptr error;
  std::optional<cancel_reason> why;
  std::vector<std::function<void()>> when_settled;  ///< see task_state_base::when_settled()

  node_extras();
  ~node_extras();
};

/// Threads: all members the home loop's, except `id` and `name`, which do not change.
/// Lifetime: shared between what runs it and the handles to it. While it is open its parent is.
class node : public stoppable, public std::enable_shared_from_this<node> {
 public:
  node(std::string&& name, loop& home, node* parent, cell_made when,
       cancel_cell::shield shield = cancel_cell::shield::off);
  virtual ~node();

  /// Becomes a child of its parent; from here to close() it is part of the tree.
  void open();
  /// Leaves the tree: its cell is decided, its deadline forgotten.
  void close() noexcept;

  /// The runtime's bound for one cleanup, unless a scope above says otherwise.
  [[nodiscard]] duration cleanup_bound() const noexcept override;
  void describe(signal_text& text) noexcept override;
  /// Runs the cleanups, last in first out, each shielded and bounded. On the fiber of this node.
  void run_cleanups();
  /// Tells the handlers of this node's scopes, from the inside out, then the runtime's; pays for it from the telemetry
  /// budget, if there is one.
  void emit(event_body body);
  /// Its body has returned: tells, when a time limit had ended it by then.
  void tell_if_late();
  /// Whether emit() has a listener.
  [[nodiscard]] bool heard() const noexcept;

  /// The innermost scope that this is, or is in; null in a root task. Threads: any, while this is open.
  [[nodiscard]] scope_node* nearest_scope() noexcept;
  /// What this says about itself, to write to.
  [[nodiscard]] self_report& say();
  /// Which attempt of the innermost retry this is part of; 1 outside of one.
  [[nodiscard]] unsigned attempt() const noexcept;

  /// One node's share of a cancellation: the stop source, the scope's handlers, the fiber. On the loop's own stack.
  virtual void deliver();
  /// One delivery to every open node below that is stopping.
  void deliver_below() final;
  /// This, if it is a scope.
  [[nodiscard]] virtual scope_node* as_scope() noexcept { return nullptr; }

  const work_id id;
  const std::string name;

  node* parent;
  node* first_child = nullptr;
  node* next_sibling = nullptr;
  node* previous_sibling = nullptr;

  fiber* body = nullptr;  ///< the fiber it runs on, while it runs
  std::unique_ptr<node_extras> extras;
  /// The extras, made if need be.
  [[nodiscard]] node_extras& with_extras();

  [[nodiscard]] bool has_cleanups() const noexcept { return extras && !extras->cleanups.empty(); }
  /// The receipts it keeps; none when it has no extras.
  [[nodiscard]] const std::vector<named_stop>& stops() const noexcept;

  /// What its body has said about itself; null until it did.
  [[nodiscard]] const self_report* said() const noexcept { return extras ? extras->said.get() : nullptr; }

  /// Keeps a receipt; beyond `kept_stops` only their number.
  void keep(named_stop stop);
  /// Hands what was kept on to the parent.
  void hand_stops_up();
  static constexpr std::size_t kept_stops = 32;

 private:
  [[nodiscard]] bool paid_for(const event_body& body);
  void tell_all(event_body body) const;
};

/// Registers a cleanup of `owner`. Errors: std::invalid_argument for a bound of zero or less, and beyond 10,000; then
/// it is not registered.
void add_cleanup(node& owner, cleanup c);
/// Registers the release of what has been acquired already. It is registered in any case, with the bound of `owner`
/// where its own is refused. Errors: as add_cleanup(), afterwards.
void add_release(node& owner, cleanup c);

/// Makes `n` the node of the current fiber for as long as this lives.
class enter_node {
 public:
  explicit enter_node(node& n);
  ~enter_node();
  enter_node(const enter_node&) = delete;
  enter_node& operator=(const enter_node&) = delete;

 private:
  fiber& fiber_;
  stoppable* const outer_;
};

/// The innermost node whose body runs on `f`; null before the first.
[[nodiscard]] node* node_of(const fiber& f) noexcept;

}  // namespace workit::detail
