// scope: opening, failing, closing.
//
// Invariants
// 1. arrivals_ counts tasks that other threads have given and that the loop has not taken yet, or is `no_more`, which
//    finish() sets on the loop and only in place of 0: a task is counted before its scope has closed, or refused.
// 2. finish() leaves with `no_more` set; arrived() wakes it when the last one on its way is here.
// All else is the home loop's. Lock order: there are no locks.
#include <workit/scope/scope.hpp>

#include <algorithm>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/in_scope.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/scope/runtime.hpp>

#include <workit/base/detail/check_option.hpp>
#include "outcome_of.hpp"
#include "sanitizer_switch.hpp"
#include "scope_face.hpp"

namespace workit {
namespace {

constexpr std::size_t most_handlers = 10'000;
/// What has to be left of the stack where a scope opens: for its body, its cleanups, and the unwinding of an exception.
constexpr std::size_t least_stack = std::size_t{32} * 1024 * (detail::has_address_sanitizer ? 4 : 1);

/// The time that the opener has allowed the scope: it ends by that, whatever its body returns. All else was asked for,
/// or the body has had it as an exception, and a body that returns then is believed.
bool is_time(const cancel_reason& why) noexcept {
  return std::holds_alternative<reason::deadline>(why) || std::holds_alternative<reason::timeout>(why);
}

void check_options(const scope_options& o) {
  WORKIT_CHECK_OPTION(!o.cleanup_timeout || *o.cleanup_timeout > duration::zero(),
                      "scope \"" + o.name + "\": the time-out of cleanups has to be more than zero");
}

}  // namespace

std::string_view to_string(scope_outcome o) noexcept {
  switch (o) {
    case scope_outcome::completed:
      return "completed";
    case scope_outcome::errored:
      return "errored";
    case scope_outcome::cancelled:
      return "cancelled";
  }
  return "?";
}

scope_context::scope_context(detail::scope_node& n) noexcept : context(n) {}

detail::scope_node& scope_context::own() const noexcept { return static_cast<detail::scope_node&>(*node_); }

bool scope_context::cancel(cancel_reason why) { return node_->cell()->request(std::move(why)); }
bool scope_context::cancel(std::string tag) { return cancel(reason::manual{.tag = std::move(tag)}); }

remote_scope::remote_scope(std::shared_ptr<detail::scope_node> n) noexcept : node_(std::move(n)) {}

detail::node& remote_scope::node() const noexcept { return *node_; }

bool remote_scope::cancel(cancel_reason why) const { return node_->cell()->request(std::move(why)); }
bool remote_scope::cancel(std::string tag) const { return cancel(reason::manual{.tag = std::move(tag)}); }

void scope_context::launch(std::shared_ptr<detail::task_state_base> state) {
  WORKIT_ASSERT(detail::loop::current() == node_->home,
                "task \"" + state->name + "\" was spawned from another thread: use scope.remote()");
  WORKIT_ASSERT(own().now_in != detail::scope_node::phase::closed,
                "task \"" + state->name + "\" was spawned in scope \"" + node_->name + "\", which has closed");
  if (node_->stopping())
    own().child_never_starts(*state);
  else
    detail::task_state_base::start(std::move(state));
}

void remote_scope::launch(std::shared_ptr<detail::task_state_base> state) const {
  const bool is_open = node_->expect_arrival();
  try {
    node_->home->post([scope = node_, state = std::move(state), is_open] {
      if (!is_open) return state->settle_unstarted(reason::scope_ended{});
      if (scope->stopping())
        scope->child_never_starts(*state);
      else
        detail::task_state_base::start(state);
      scope->arrived();
    });
  } catch (...) {  // no memory: it will not arrive
    if (is_open) node_->forget_arrival();
    throw;
  }
}

void scope_context::tighten_deadline(time_span after) { node_->tighten(deadline_point::in(after, now())); }
void scope_context::tighten_deadline(deadline_point at) { node_->tighten(at); }

subscription scope_context::on_event(std::function<void(const lifecycle_event&)> handler) {
  auto& handlers = node_->with_extras().handlers;
  WORKIT_CHECK_OPTION(handlers.size() < most_handlers,
                      "scope \"" + node_->name + "\" has 10,000 event handlers, which is the most it may have");
  handlers.push_back(std::make_shared<detail::event_handler>(*node_, std::move(handler)));
  ++node_->home->handlers;
  return subscription(handlers.back());
}

subscription scope_context::on_cancel(std::function<void(const cancel_reason&)> handler) {
  return subscription(own().when_cancelled(std::move(handler)));
}

void subscription::end() noexcept {
  const auto handler = handler_.lock();
  handler_.reset();
  if (handler == nullptr) return;
  WORKIT_ASSERT(
      detail::loop::current() == handler->home,
      "a subscription was ended on another thread while its scope is open: end it on the scope's loop, or let "
      "the scope keep() the handler");
  handler->leave();
}

scope* current_scope() noexcept {
  const auto* self = detail::fiber::current();
  auto* const innermost = self != nullptr ? detail::node_of(*self) : nullptr;
  if (innermost == nullptr) return nullptr;
  auto* found = innermost->nearest_scope();
  return found != nullptr ? found->face : nullptr;
}

void remote_scope::consume(const budget_key& key, amount how_much) const {
  detail::consume(node_->around.get(), charge(key, how_much), node_->name);
}

void remote_scope::consume(std::initializer_list<charge> charges) const {
  detail::consume(node_->around.get(), std::span(charges.begin(), charges.size()), node_->name);
}

remote_scope scope_context::remote() const {
  return remote_scope(std::static_pointer_cast<detail::scope_node>(own().shared_from_this()));
}

namespace detail {

void scope_node::deliver() {
  begin_closing();
  tell_cancelled();
  node::deliver();
}

struct scope_node::cancel_handler final : scope_handler {
  cancel_handler(scope_node& scope, std::uint64_t n, std::function<void(const cancel_reason&)> handler)
      : scope_handler(scope), number(n), call(std::move(handler)) {}
  void leave() noexcept override {
    static_cast<scope_node&>(of).cancel_handlers_.remove_if([this](const auto& h) { return h.get() == this; });
  }

  const std::uint64_t number;  ///< in the order of registration
  const std::function<void(const cancel_reason&)> call;
};

std::weak_ptr<scope_handler> scope_node::when_cancelled(std::function<void(const cancel_reason&)> handler) {
  static thread_local std::uint64_t last = 0;
  WORKIT_CHECK_OPTION(cancel_handlers_.size() < most_handlers,
                      "scope \"" + name + "\" has 10,000 cancel handlers, which is the most it may have");
  cancel_handlers_.push_back(std::make_shared<cancel_handler>(*this, ++last, std::move(handler)));
  const std::weak_ptr<scope_handler> registered = cancel_handlers_.back();
  if (stopping())  // the delivery may have been here already
    home->post([self = std::static_pointer_cast<scope_node>(shared_from_this())] {
      self->tell_cancelled();
      if (self->body != nullptr) self->body->wake();
    });
  return registered;
}

void scope_node::tell_cancelled() {
  if (cancel_handlers_.empty()) return;
  const auto why = cell()->record()->why;
  const auto newest = cancel_handlers_.back()->number;  // what a handler registers has its turn later
  while (!cancel_handlers_.empty() && cancel_handlers_.front()->number <= newest) {
    const auto handler = std::move(cancel_handlers_.front());
    cancel_handlers_.pop_front();
    try {
      handler->call(why);
    } catch (...) {  // an observer cannot change what it observes
    }
  }
}

bool scope_node::has_open_ends() const {
  // By the record, not by stopping(), which may lag behind a cancellation that has just won.
  return live_tasks != 0 || arrivals_.load(std::memory_order_acquire) != no_more || has_cleanups() ||
         (!cancel_handlers_.empty() && ruling_cell().record() != nullptr);
}

bool scope_node::expect_arrival() noexcept {
  auto seen = arrivals_.load(std::memory_order_relaxed);
  while (seen != no_more)
    if (arrivals_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) return true;
  return false;
}

void scope_node::arrived() noexcept {
  if (arrivals_.fetch_sub(1, std::memory_order_acq_rel) == 1 && body != nullptr) body->wake();
}

void scope_node::forget_arrival() noexcept { arrivals_.fetch_sub(1, std::memory_order_acq_rel); }

bool scope_node::has_arrivals() const noexcept {
  const auto now = arrivals_.load(std::memory_order_acquire);
  return now != 0 && now != no_more;
}

void scope_node::end_arrivals() noexcept {
  std::uint32_t none = 0;
  arrivals_.compare_exchange_strong(none, no_more, std::memory_order_acq_rel);
}

void scope_node::begin_closing() {
  if (now_in != phase::running) return;
  now_in = phase::closing;
  const auto* record = cell()->record();
  emit(event::scope_closing{record != nullptr ? &record->why : nullptr});
}

void scope_node::child_failed(task_state_base& child) {
  if (!first_failure) first_failure = child.error();
  cell()->request(reason::sibling_failed{child.id, child.name, child.error()});
}

void scope_node::child_never_starts(task_state_base& child) {
  child.spawned_at = home->now();
  child.settle_unstarted(cell()->record()->why);
  count_settled(child, task_status::cancelled, child.spawned_at);
}

void scope_node::child_settled(const task_state_base& child, task_status how, time_point now) {
  --live_tasks;
  count_settled(child, how, now);
  if (live_tasks == 0 && body != nullptr) body->wake();
}

void scope_node::count_settled(const task_state_base& child, task_status how, time_point now) {
  ++receipt.tasks;
  ++(how == task_status::succeeded ? receipt.succeeded
     : how == task_status::failed  ? receipt.failed
                                   : receipt.cancelled);
  if (settled == nullptr) settled = std::make_unique<settled_tasks>();
  auto& record = settled->next();
  record.id = child.id;
  record.name = child.name;
  record.kind = child.kind;
  record.background = child.background;
  record.status = how;
  record.spawned = child.spawned_at;
  record.started = child.started_at;
  record.ended = now;
  record.error = child.error();
  record.why.reset();
  if (child.why() == nullptr) return;
  record.why = *child.why();
  const auto* decided = child.ruling_cell().record();
  record.requested = decided != nullptr ? decided->at : std::chrono::steady_clock::now();
}

std::uint64_t scope_node::dropped_events() const noexcept {
  const auto* meter = around != nullptr ? around->telemetry() : nullptr;
  return meter != nullptr ? meter->dropped() : 0;
}

void scope_node::keep_deadline() {
  if (!cell()->own_deadline().is_never()) cell()->expire(home->now());
}

bool scope_node::is_of_its_own(const std::exception_ptr& error) const noexcept {
  if (!error) return false;
  const auto* own = ruling_cell().own_record();
  return own == nullptr || is_failure(own->why) || !is_cancellation(error);
}

void scope_node::finish(const std::exception_ptr& failure) {
  auto& self = fiber::require("closing a scope");
  const auto idle = [this] {
    return live_tasks == 0 && !has_arrivals() && (cancel_handlers_.empty() || cell()->record() == nullptr);
  };
  do {
    self.wait_shielded("its tasks", idle);
    begin_closing();
    run_cleanups();
    if (live_tasks == 0 && !has_cleanups()) end_arrivals();
    keep_deadline();
    if (!has_open_ends()) cell()->close();  // a cancellation that came just before has handlers to tell
  } while (has_open_ends());
  // Handlers that are left were not told of a cancellation: for this scope there was none.
  const auto* record = cancel_handlers_.empty() ? cell()->record() : nullptr;
  cancel_handlers_.clear();
  receipt.id = id;
  receipt.name = name;
  receipt.outcome = is_of_its_own(failure) || is_of_its_own(first_failure)
                        ? scope_outcome::errored
                        : outcome_of(record != nullptr ? &record->why : nullptr);
  if (record != nullptr) {
    receipt.why = record->why;
    receipt.requested = record->at;
  }
  receipt.closed = std::chrono::steady_clock::now();
  now_in = phase::closed;
  face = nullptr;
  closed_at = home->now();
  emit(event::scope_closed{closed_at - opened_at, dropped_events()});
  hand_stops_up();
  close();
}

void scope_node::publish_receipt() {
  if (!on_receipt) return;
  struct pending {
    std::shared_ptr<scope_node> scope;
    std::size_t missing = 0;
    void complete() const {
      auto& r = scope->receipt;
      for (const auto& s : scope->stops()) r.stops.push_back({s.task, s.receipt->get()});
      r.stops_dropped = scope->extras ? scope->extras->stops_dropped : 0;
      try {
        scope->on_receipt(r);
      } catch (...) {  // an observer cannot change what it observes
      }
    }
  };
  const auto shared = std::make_shared<pending>();
  shared->scope = std::static_pointer_cast<scope_node>(shared_from_this());
  shared->missing = stops().size() + 1;
  const auto one_less = [shared, where = home->shared_from_this()] {
    where->post([shared] {
      if (--shared->missing == 0) shared->complete();
    });
  };
  for (const auto& s : stops()) s.receipt->when_reclaimed(one_less);
  one_less();
}

void run_scope(node& parent, scope_options options, scope_body body, scope_traits traits) {
  auto& self = fiber::require("opening a scope");
  WORKIT_ASSERT(&self.home == parent.home, "scope \"" + options.name + "\" was opened on a loop that is not its own");
  check_options(options);
  if (const auto left = self.stack_left(); left < least_stack) throw stack_exhausted(options.name, left, least_stack);
  auto& owner = *node_of(self);  // the innermost: a body may open a scope through an outer context
  const auto n =
      std::make_shared<scope_node>(std::move(options.name), *parent.home, &owner, cell_made::at_once, traits.shield);
  auto* enclosing = owner.nearest_scope();
  n->around = inherited_context::below(enclosing != nullptr ? enclosing->around : nullptr, options.values,
                                       options.budgets, n->cell());
  if (options.cleanup_timeout) n->with_extras().cleanup_bound = options.cleanup_timeout;
  n->on_receipt = std::move(options.on_receipt);
  n->receipt.opened = std::chrono::steady_clock::now();
  n->opened_at = n->home->now();
  n->open();
  const auto limit = options.deadline.value_or(duration::max());
  if (traits.limits_time) n->cell()->name_limit(limit);
  n->tighten(std::min(options.deadline_at, deadline_point::in(limit, n->opened_at)));
  const auto allowed = n->cell()->own_deadline();
  n->emit(event::scope_opened{owner.id});

  std::exception_ptr failure;
  std::optional<cancelled> left;
  const scope_face face(*n);  // until the scope has closed: its tasks and cleanups may refer to it
  auto& s = face.get();
  n->face = &s;
  {
    const enter_node inside(*n);
    try {
      if (allowed.passed(n->opened_at)) s.check();  // there is no time: nothing begins
      body(s);
    } catch (const cancelled& c) {
      left = c;
    } catch (...) {
      failure = std::current_exception();
    }
    n->keep_deadline();
    if (!left && !failure) n->tell_if_late();
    if (failure) n->cell()->request(reason::parent_failed{failure});
    if (left && !n->cell()->stopping()) n->cell()->request(reason::scope_ended{});  // it came from somewhere else
    n->finish(failure);
  }
  n->publish_receipt();

  const auto* own = n->cell()->own_record();
  const bool a_child_began_it = own != nullptr && std::holds_alternative<reason::sibling_failed>(own->why);
  const bool body_failed = n->is_of_its_own(failure);
  if (body_failed && !a_child_began_it) std::rethrow_exception(failure);
  if (n->is_of_its_own(n->first_failure)) std::rethrow_exception(n->first_failure);
  if (body_failed) std::rethrow_exception(failure);
  const bool returned = !left && !failure;
  if (returned && (own == nullptr || !is_time(own->why) || traits.believes_body)) return;
  if (own == nullptr) throw *left;
  // The opener may be stopping by now, too; a shield ends by its own limit all the same.
  if (traits.shield == cancel_cell::shield::off) self.check();
  if (const auto* passed = std::get_if<reason::deadline>(&own->why))
    throw timed_out("scope \"" + n->name + "\"", passed->at < allowed ? duration::max() : duration(limit));
  if (const auto* overrun = std::get_if<reason::budget>(&own->why)) throw budget_exceeded(*overrun);
  if (const auto* passed = std::get_if<reason::timeout>(&own->why)) throw timed_out(n->name, passed->limit);
  throw scope_cancelled(own->why, n->name);
}

}  // namespace detail
}  // namespace workit
