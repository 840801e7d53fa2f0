// task_state_base: the life of a task, from the queue to its last waiter.
//
// Invariants
// 1. status_ moves pending -> running -> one final value, or pending -> cancelled. `error`, `why` and the value are
//    written before the final status (release) and read after it (acquire).
// 2. joiners_ and when_settled are the home loop's; other threads register by a post.
// 3. Before the final status: the body returned, its cleanups ran, the body with its captures is destroyed.
// 4. A foreign thread sets awaited_outside_ before it looks at status_ and sleeps; settling stores status_ before it
//    looks at awaited_outside_ (both sequentially consistent). One of the two sees the other, so no wake-up is lost,
//    and a task that no thread waits for costs no system call.
// Lock order: there are no locks.
#include <workit/scope/detail/task_state.hpp>

#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/context.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {

std::string_view to_string(task_status s) noexcept {
  switch (s) {
    case task_status::pending:
      return "pending";
    case task_status::running:
      return "running";
    case task_status::succeeded:
      return "succeeded";
    case task_status::failed:
      return "failed";
    case task_status::cancelled:
      return "cancelled";
  }
  return "?";
}

namespace detail {

/// A fiber of another loop that waits for a task; `waiter` is that loop's to read and clear.
class join_point {
 public:
  static void wait(task_state_base& state, fiber& self) {
    const auto shared = std::make_shared<join_point>();
    shared->waiter_ = &self;
    auto task = std::static_pointer_cast<task_state_base>(state.shared_from_this());
    auto back = [shared, there = self.home.shared_from_this()] {
      there->post([shared] {
        if (shared->waiter_ != nullptr) shared->waiter_->wake();
      });
    };
    state.home->post([task, back = std::move(back)]() mutable { task->when_settled(std::move(back)); });
    const auto settled = [&] { return state.is_settled(); };
    if (!self.wait("task", settled)) {
      try {
        self.leave();
      } catch (...) {
        shared->waiter_ = nullptr;
        throw;
      }
      self.wait_shielded("task", settled);  // unwinding: the frame needs its answer
    }
    shared->waiter_ = nullptr;
  }

 private:
  fiber* waiter_ = nullptr;
};

task_state_base::task_state_base(task_options&& options, loop& home_loop, node* parent_node)
    : node(std::move(options.name), home_loop, parent_node, cell_made::when_needed),
      kind(options.kind),
      background(options.background) {}

task_state_base::~task_state_base() = default;

void task_state_base::wait_settled() {
  await_settled();
  if (status() != task_status::cancelled) return;
  // Where both are being stopped, the waiter goes by that, whichever it sees first.
  if (auto* waiter = fiber::current()) waiter->leave();
}

void task_state_base::await_settled() {
  if (is_settled()) return;
  auto* here = loop::current();
  if (here == nullptr) {
    wait_outside();
    return;
  }
  auto& self = fiber::require("waiting for a task");
  if (here != home) return join_point::wait(*this, self);
  joiner mine{&self, joiners_};
  joiners_ = &mine;
  if (!self.wait("task", [this] { return is_settled(); })) {
    try {
      self.leave();
    } catch (...) {
      auto** link = &joiners_;
      while (*link != nullptr && *link != &mine) link = &(*link)->next;
      if (*link != nullptr) *link = mine.next;
      throw;
    }
    self.wait_shielded("task", [this] { return is_settled(); });  // unwinding: the frame needs its answer
  }
}

void task_state_base::wait_outside() {
  awaited_outside_.store(true);
  if (home->is_driven_by_callers()) return home->drive_until([this] { return is_settled(); });
  for (auto seen = status_.load(); seen < task_status::succeeded; seen = status_.load()) status_.wait(seen);
}

void task_state_base::when_settled(std::function<void()> then) {
  if (is_settled()) return then();
  with_extras().when_settled.push_back(std::move(then));
}

const std::exception_ptr& task_state_base::error() const noexcept {
  static const auto& none = *new std::exception_ptr;  // never destroyed: read during exit(), too
  return extras ? extras->error : none;
}

const cancel_reason* task_state_base::why() const noexcept { return extras && extras->why ? &*extras->why : nullptr; }

void task_state_base::take_once() {
  WORKIT_ASSERT(!taken_.exchange(true, std::memory_order_relaxed),
                "the outcome of task \"" + name + "\" was taken twice: get() and result() move it out, once");
}

void task_state_base::throw_failure() const {
  if (status() == task_status::cancelled) throw task_cancelled(*why(), name);
  std::rethrow_exception(error());
}

void task_state_base::enlist() {
  spawned_at = home->recently();
  open();
  if (auto* scope = owner())
    ++scope->live_tasks;
  else
    home->add_root(*this);
}

void task_state_base::start_here() {
  enlist();
  run();
}

void task_state_base::start(std::shared_ptr<task_state_base> task) {
  task->enlist();
  auto& on = *task->home;
  on.start_task(std::move(task));
}

void task_state_base::run() {
  fiber self(*home);
  const enter_node inside(*this);
  if (stopping()) {
    with_extras().why = ruling_cell().record()->why;
    return end(task_status::cancelled);
  }
  started_at = home->task_starts_at();
  status_.store(task_status::running, std::memory_order_release);
  auto* const scope = owner();
  if (heard()) emit(event::task_started{scope != nullptr ? scope->id : 0, kind});
  auto how = task_status::succeeded;
  context ctx(*this);  // until the task has ended: its cleanups may refer to it
  try {
    call(ctx);
    tell_if_late();
  } catch (const cancelled& c) {
    with_extras().why = c.why();
    how = task_status::cancelled;
  } catch (...) {
    with_extras().error = std::current_exception();
    how = task_status::failed;
  }
  if (how == task_status::failed && scope != nullptr && !background) scope->child_failed(*this);
  run_cleanups();
  end(how);
}

void task_state_base::tell_of_end(task_status how, duration took) {
  switch (how) {
    case task_status::succeeded:
      return emit(event::task_succeeded{took});
    case task_status::failed:
      return emit(event::task_failed{error(), took});
    default:
      return emit(event::task_cancelled{why(), took});
  }
}

void task_state_base::end(task_status how) {
  drop_body();
  hand_stops_up();
  const auto now = home->task_ends_at();
  const auto took = started_at == time_point{} ? duration::zero() : now - started_at;
  if (heard()) tell_of_end(how, took);
  auto* scope = owner();
  close();
  if (scope != nullptr)
    scope->child_settled(*this, how, now);
  else
    home->remove_root(*this);
  settle(how);
  if (scope == nullptr) home->owner().root_ended();
}

void task_state_base::settle_unstarted(cancel_reason reason) {
  drop_body();
  close_cell();
  with_extras().why = std::move(reason);
  settle(task_status::cancelled);
}

void task_state_base::settle(task_status how) {
  status_.store(how);
  if (awaited_outside_.load()) {
    status_.notify_all();
    home->tell_drivers();
  }
  joiner* first = nullptr;  // the first to wait is woken first
  for (auto* each = std::exchange(joiners_, nullptr); each != nullptr;) {
    auto* const next = std::exchange(each->next, first);
    first = std::exchange(each, next);
  }
  for (const auto* each = first; each != nullptr; each = each->next) each->waiting->wake();
  if (extras)
    for (auto& call : std::exchange(extras->when_settled, {})) call();
  settled();
}

task_receipt receipt_of(const task_state_base& state) {
  WORKIT_ASSERT(state.is_settled(), "the receipt of task \"" + state.name + "\" was asked for while it is " +
                                        std::string(to_string(state.status())) + ": wait() for it first");
  task_receipt receipt{state.id, state.name, state.kind, state.status(), {}};
  for (const auto& s : state.stops()) receipt.stops.push_back(s.receipt->get());
  return receipt;
}

}  // namespace detail

bool task_handle::cancel(cancel_reason why) const { return state_->cell()->request(std::move(why)); }
bool task_handle::cancel(std::string tag) const { return cancel(reason::manual{.tag = std::move(tag)}); }

}  // namespace workit
