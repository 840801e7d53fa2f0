// What the tree of work is made of: tasks, scopes and running cleanups, as their home loop sees them.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/event.hpp>
#include <workit/base/receipt.hpp>
#include <workit/scope/detail/self_report.hpp>

namespace workit {
class context;
struct scope_receipt;
}  // namespace workit

namespace workit::detail {

class fiber;
class loop;
class scope_node;
struct commons;

/// A registered cleanup: what to call, and how long it may take.
struct cleanup {
  std::function<void(context&)> run;
  std::optional<duration> bound;
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
  std::vector<std::pair<std::uint64_t, std::function<void(const lifecycle_event&)>>> handlers;
  std::unique_ptr<self_report> said;
  std::unique_ptr<commons> shared;  // of a scope
  // Of a task; written before its final status, read after it:
  std::exception_ptr error;
  std::optional<cancel_reason> why;
  std::vector<std::function<void()>> when_settled;  ///< see task_state_base::when_settled()

  node_extras();
  ~node_extras();
};

/// When a node gets the cancel cell that is its own.
enum class cell_made : std::uint8_t {
  at_once,
  when_needed,  ///< most tasks end without having been cancelled alone or having opened anything below them
};

/// Threads: all members the home loop's, except `id`, `name` and `home`, which do not change, and cell().
/// Lifetime: shared between what runs it and the handles to it. While it is open its parent is.
class node : public std::enable_shared_from_this<node> {
 public:
  node(std::string&& name, loop& home, node* parent, cell_made when,
       cancel_cell::shield shield = cancel_cell::shield::off);
  virtual ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Becomes a child of its parent; from here to close() it is part of the tree.
  void open();
  /// Leaves the tree: its cell is decided, its deadline forgotten.
  void close() noexcept;

  /// Whether this is being stopped, by a cancellation or by a deadline that the clock has passed: exact also while the
  /// loop is hogged and nobody else keeps the deadline.
  [[nodiscard]] bool stopping() {
    return (quiet_since_ != cancel_cell::epoch() || has_deadline_) && look_whether_stopping();
  }

  /// The cell that is cancelled to stop just this and what is below; made by the first call. Once this has ended
  /// without one, a closed cell that is nobody's. Threads: any.
  [[nodiscard]] const cancel_cell::ptr& cell();
  /// The cell that rules here: its own, if there is one, else the one above. Threads: any.
  [[nodiscard]] cancel_cell& ruling_cell() const noexcept;

  /// Moves the deadline to `to` if that is earlier, and has it watched.
  void tighten(deadline to);
  /// The runtime's bound for one cleanup, unless a scope above says otherwise.
  [[nodiscard]] duration cleanup_bound() const noexcept;
  /// Runs the cleanups, last in first out, each shielded and bounded. On the fiber of this node.
  void run_cleanups();
  /// Tells the handlers of this node's scopes, from the inside out, then the runtime's; pays for it from the telemetry
  /// budget, if there is one.
  void emit(event_body body);
  /// Whether anyone listens to what emit() tells.
  [[nodiscard]] bool heard() const noexcept;

  /// The innermost scope that this is, or is in; null in a root task. Threads: any, while this is open.
  [[nodiscard]] scope_node* nearest_scope() noexcept;
  /// What this says about itself, to write to.
  [[nodiscard]] self_report& say();
  /// Which attempt of the innermost retry this is part of; 1 outside of one.
  [[nodiscard]] unsigned attempt() const noexcept;

  /// One node's share of a cancellation: the stop source, the scope's handlers, the fiber. On the loop's own stack.
  virtual void deliver();
  /// This, if it is a scope.
  [[nodiscard]] virtual scope_node* as_scope() noexcept { return nullptr; }

  const work_id id;
  const std::string name;
  loop* const home;  ///< kept by the cell above, or by its own where there is none

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

 protected:
  /// Nothing can be decided here any more; listeners find no owner.
  void close_cell() noexcept;

 private:
  [[nodiscard]] cancel_cell::ptr make_cell(cancel_cell::shield shield);
  [[nodiscard]] bool paid_for(const event_body& body);
  void tell_all(event_body body) const;
  bool look_whether_stopping();

  const cancel_cell::ptr above_;                            // the cell of the parent; null in a root
  std::atomic<const cancel_cell::ptr*> own_cell_{nullptr};  // set once: a cell of ours, or the closed one of nobody
  std::uint64_t quiet_since_ = 0;  // the epoch in which the ruling cell was last looked at, was not stopping,
  bool has_deadline_ = false;      // and had a deadline, or not
};

/// Makes `n` the node of the current fiber for as long as this lives.
class enter_node {
 public:
  explicit enter_node(node& n);
  ~enter_node();
  enter_node(const enter_node&) = delete;
  enter_node& operator=(const enter_node&) = delete;

 private:
  fiber& fiber_;
  node* const outer_;
};

/// Cancellation as its home loop carries it out: every open node under `top` that is stopping is told.
void deliver_below(node& top);

}  // namespace workit::detail
