// node: the tree of work on its home loop, and how a cancellation travels down it.
#include <workit/scope/detail/node.hpp>

#include <workit/base/assert.hpp>
#include <workit/base/event.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/context.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/scope/runtime.hpp>

#include <workit/base/detail/names.hpp>
#include "scope_registry.hpp"

namespace workit::detail {
namespace {

std::atomic<work_id> last_id{0};

/// Runs one cleanup in a shielded node of its own, and reports on `owner` how that went.
void run_one(node& owner, cleanup work) {
  const auto bound = work.bound.value_or(owner.cleanup_bound());
  const auto shielded =
      std::make_shared<node>("cleanup", *owner.home, &owner, cell_made::at_once, cancel_cell::shield::on);
  shielded->open();
  shielded->tighten(deadline_point::in(bound, owner.home->now()));
  std::optional<event_body> complaint;
  context ctx(*shielded);  // also for the cleanups that the cleanup registers
  try {
    const enter_node inside(*shielded);
    work.run(ctx);
    if (shielded->ruling_cell().own_deadline().passed(owner.home->now())) complaint = event::cleanup_timed_out{bound};
  } catch (const cancelled&) {
    complaint = event::cleanup_timed_out{bound};
  } catch (...) {
    complaint = event::cleanup_failed{std::current_exception()};
  }
  if (complaint) owner.emit(std::move(*complaint));
  shielded->run_cleanups();
  shielded->hand_stops_up();
  shielded->close();
}

}  // namespace

scope_handler::scope_handler(node& scope) noexcept : of(scope), home(scope.home) {}

void event_handler::leave() noexcept {
  if (std::exchange(has_left, true)) return;
  of.home->handlers -= std::erase_if(of.extras->handlers, [this](const auto& h) { return h.get() == this; });
}

node_extras::node_extras() = default;
node_extras::~node_extras() = default;

node::node(std::string&& n, loop& h, node* p, cell_made when, cancel_cell::shield shield)
    : stoppable(h, p, when, shield),
      id(last_id.fetch_add(1, std::memory_order_relaxed) + 1),
      name(fitted_name(std::move(n))),
      parent(p) {
  WORKIT_ASSERT(p == nullptr || p->home == home, "\"" + name + "\" was opened on a loop that is not its parent's");
}

node::~node() = default;

void node::open() {
  if (parent == nullptr) return;
  look_as(*parent);
  next_sibling = parent->first_child;
  if (next_sibling != nullptr) next_sibling->previous_sibling = this;
  parent->first_child = this;
}

void node::close() noexcept {
  WORKIT_ASSERT(first_child == nullptr, "\"" + name + "\" closed while it still owned work");
  close_cell();
  if (extras) {
    home->handlers -= extras->handlers.size();
    extras->handlers.clear();
  }
  if (parent == nullptr) return;
  (previous_sibling != nullptr ? previous_sibling->next_sibling : parent->first_child) = next_sibling;
  if (next_sibling != nullptr) next_sibling->previous_sibling = previous_sibling;
  parent = nullptr;
}

duration node::cleanup_bound() const noexcept {
  for (const auto* n = this; n != nullptr; n = n->parent)
    if (n->extras && n->extras->cleanup_bound) return *n->extras->cleanup_bound;
  return home->owner().options_.cleanup_timeout;
}

void node::describe(signal_text& text) noexcept {
  const auto* scope = nearest_scope();
  const auto* task = this;
  while (task->parent != nullptr && task->parent->body == body) task = task->parent;
  text << "task \"" << task->name << "\"";
  if (scope != nullptr && scope->name != task->name) text << " in scope \"" << scope->name << "\"";
}

void node::run_cleanups() {
  while (has_cleanups()) {
    auto next = std::move(extras->cleanups.back());
    extras->cleanups.pop_back();
    run_one(*this, std::move(next));
  }
}

scope_node* node::nearest_scope() noexcept {
  for (auto* n = this; n != nullptr; n = n->parent)
    if (auto* found = n->as_scope()) return found;
  return nullptr;
}

self_report& node::say() {
  auto& report = with_extras().said;
  if (report == nullptr) report = std::make_unique<self_report>();
  return *report;
}

unsigned node::attempt() const noexcept {
  for (const auto* n = this; n != nullptr; n = n->parent)
    if (const auto* report = n->said(); report != nullptr && report->attempt != 0) return report->attempt;
  return 1;
}

void self_report::keep(const event::progress& now_said, time_point now) {
  pct = now_said.pct;
  at = now;
  if (!now_said.message)
    message.reset();
  else if (message)
    message->assign(*now_said.message);
  else
    message.emplace(*now_said.message);
}

bool node::heard() const noexcept {
  if (home->owner().options_.on_event) return true;
  if (home->handlers == 0) return false;
  for (const auto* n = this; n != nullptr; n = n->parent)
    if (n->extras && !n->extras->handlers.empty()) return true;
  return false;
}

bool node::paid_for(const event_body& body) {
  const auto* in = nearest_scope();
  auto* meter = in != nullptr && in->around != nullptr ? in->around->telemetry() : nullptr;
  if (meter == nullptr || meter->pay()) return true;
  if (std::holds_alternative<event::scope_closed>(body)) return true;
  if (meter->drop() == 1) tell_all(event::telemetry_exhausted{meter->account().state().limit});
  return false;
}

void node::emit(event_body body) {
  if (heard() && paid_for(body)) tell_all(std::move(body));
}

void node::tell_if_late() {
  if (!heard()) return;
  auto& cell = ruling_cell();
  const auto limit = cell.effective_deadline();
  const auto now = home->now();
  if (!limit.passed(now) || !cell.expire(now)) return;  // a loop that is held hears of deadlines late
  const auto& why = cell.record()->why;
  if (std::holds_alternative<reason::deadline>(why) || std::holds_alternative<reason::timeout>(why))
    emit(event::stop_ignored{&why, limit.overdue(now)});
}

void node::tell_all(event_body body) const {
  const lifecycle_event e{id, name, home->now(), std::move(body)};
  const auto tell = [&e](const std::function<void(const lifecycle_event&)>& handler) {
    try {
      handler(e);
    } catch (...) {  // an observer cannot change what it observes
    }
  };
  for (const auto* n = this; n != nullptr; n = n->parent) {
    if (!n->extras || n->extras->handlers.empty()) continue;
    const auto told = n->extras->handlers;  // a handler may subscribe others, and end their subscriptions and its own
    for (const auto& handler : told)
      if (!handler->has_left) tell(handler->call);
  }
  if (const auto& observer = home->owner().options_.on_event) tell(observer);
}

void node::deliver() {
  if (extras && extras->stop) extras->stop->request_stop();
  if (body != nullptr) body->wake();
}

node_extras& node::with_extras() {
  if (!extras) extras = std::make_unique<node_extras>();
  return *extras;
}

const std::vector<named_stop>& node::stops() const noexcept {
  static const auto& none = *new std::vector<named_stop>;  // never destroyed: read during exit(), too
  return extras ? extras->stops : none;
}

void node::keep(named_stop s) {
  auto& mine = with_extras();
  if (mine.stops.size() < kept_stops)
    mine.stops.push_back(std::move(s));
  else
    ++mine.stops_dropped;
}

void node::hand_stops_up() {
  if (parent == nullptr || !extras) return;
  for (const auto& s : extras->stops) parent->keep(s);
  if (extras->stops_dropped != 0) parent->with_extras().stops_dropped += extras->stops_dropped;
}

enter_node::enter_node(node& n) : fiber_(fiber::require("a body")), outer_(fiber_.current_node) {
  n.body = &fiber_;
  fiber_.current_node = &n;
}

enter_node::~enter_node() {
  static_cast<node*>(fiber_.current_node)->body = nullptr;
  fiber_.current_node = outer_;
}

node* node_of(const fiber& f) noexcept { return static_cast<node*>(f.current_node); }

void node::deliver_below() {
  // Collected first: what is told may change the tree.
  std::vector<std::shared_ptr<node>> told;
  std::vector<node*> to_visit{this};
  while (!to_visit.empty()) {
    auto* n = to_visit.back();
    to_visit.pop_back();
    if (!n->ruling_cell().stopping()) continue;  // a shield
    told.push_back(n->shared_from_this());
    for (auto* child = n->first_child; child != nullptr; child = child->next_sibling) to_visit.push_back(child);
  }
  for (const auto& n : told) n->deliver();
}

}  // namespace workit::detail
