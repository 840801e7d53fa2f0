// context: cancel points, clocks, cleanups, and what a task is given and says.
#include <workit/scope/context.hpp>

#include <algorithm>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/context/detail/remote_budgets.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/scope/runtime.hpp>

#include <workit/base/detail/check_option.hpp>

#include "wake_timer.hpp"

namespace workit {
namespace {

constexpr std::size_t most_cleanups = 10'000;

/// What is set where `n` is; null when that is nothing.
const detail::inherited_context* around(detail::node& n) noexcept {
  const auto* in = n.nearest_scope();
  return in != nullptr ? in->around.get() : nullptr;
}

/// The keeper of the budgets of all these charges, when no scope here has any of them; else null.
detail::remote_budgets* far_from(detail::node& n, std::span<const charge> charges) noexcept {
  auto* const far = n.home->owner().remote_budgets();
  if (far == nullptr) return nullptr;
  const auto* here = around(n);
  const auto is_here = [&](const charge& c) { return here != nullptr && here->account(*c.key) != nullptr; };
  return std::ranges::none_of(charges, is_here) ? far : nullptr;
}

}  // namespace

void detail::open_node::refuse() noexcept {
  WORKIT_ASSERT(false,
                "a scope was used after it had closed: a scope& is for its body, its tasks and its cleanups; keep "
                "scope.remote() for all that may come later");
  std::abort();
}

const cancel_reason* context::why() const {
  if (!node_->stopping()) return nullptr;
  return &node_->ruling_cell().record()->why;
}

std::stop_token context::stop_token() {
  auto& stop = node_->with_extras().stop;
  if (!stop) {
    stop.emplace();
    if (node_->stopping()) stop->request_stop();
  }
  return stop->get_token();
}

void context::check_slowly() { detail::fiber::require("check()").check(); }

void context::yield() {
  auto& self = detail::fiber::require("yield()");
  self.check();
  self.yield();
}

void context::sleep_for(time_span d) { sleep_until(deadline_point::in(d, now())); }

void context::sleep_until(deadline_point at) {
  auto& self = detail::fiber::require("sleeping");
  self.check();
  {
    const detail::wake_timer alarm_clock(self, at.at());
    if (self.wait("sleep", [&] { return !alarm_clock.armed(); })) return;
  }
  self.leave();  // here, where no destructor waits for the unwinder
}

deadline_point context::deadline() const { return node_->ruling_cell().effective_deadline(); }
time_point context::now() const { return node_->home->now(); }
runtime& context::runtime() const { return node_->home->owner(); }

const values& context::values() const noexcept {
  static const auto& none = *new workit::values;  // never destroyed: read during exit(), too
  const auto* here = around(*node_);
  return here != nullptr ? here->context_values() : none;
}

void context::throw_not_set(const detail::key_identity& key) const { throw value_not_set(key.name(), node_->name); }

void context::consume(const budget_key& key, amount how_much) {
  const charge one(key, how_much);
  if (auto* far = far_from(*node_, {&one, 1})) return far->consume({&one, 1});
  detail::consume(around(*node_), one, node_->name);
}

void context::consume(std::span<const charge> charges) {
  if (auto* far = far_from(*node_, charges)) return far->consume(charges);
  detail::consume(around(*node_), charges, node_->name);
}

std::optional<budget_state> context::budget(const budget_key& key) const {
  const auto* here = around(*node_);
  const auto* account = here != nullptr ? here->account(key) : nullptr;
  if (account != nullptr) return account->state();
  auto* const far = node_->home->owner().remote_budgets();
  return far != nullptr ? far->budget(key) : std::nullopt;
}

std::vector<budget_state> context::budgets() const {
  const auto* here = around(*node_);
  return here != nullptr ? here->budgets() : std::vector<budget_state>();
}

void context::report(const event::progress& said) {
  node_->say().keep(said, now());
  if (node_->heard()) node_->emit(said);
}

void context::log(log_level level, std::string_view message, fields data) {
  if (node_->heard()) node_->emit(event::log{level, message, data});
}

namespace detail {
namespace {

void check_cleanup(node& owner, const cleanup& c) {
  WORKIT_CHECK_OPTION(!c.bound || *c.bound > duration::zero(),
                      "\"" + owner.name + "\": the time-out of a cleanup has to be more than zero");
  WORKIT_CHECK_OPTION(owner.with_extras().cleanups.size() < most_cleanups,
                      "\"" + owner.name + "\" registers more than 10,000 cleanups: open a scope per item instead");
}

}  // namespace

void add_cleanup(node& owner, cleanup c) {
  check_cleanup(owner, c);
  owner.with_extras().cleanups.push_back(std::move(c));
}

void add_release(node& owner, cleanup c) {
  auto& cleanups = owner.with_extras().cleanups;
  try {
    check_cleanup(owner, c);
  } catch (...) {
    c.bound.reset();
    cleanups.push_back(std::move(c));
    throw;
  }
  cleanups.push_back(std::move(c));
}

}  // namespace detail
}  // namespace workit
