// branches: starting, hearing of ends, dismissing losers.
//
// Invariants
// 1. running_ holds the branches that have started and not settled; each knows its place in it.
// 2. A branch refers to its `branches`; the scope of the branches closes before those go.
// 3. Ends are told in the order in which the tasks settle, their cleanups included.
// Lock order: there are no locks, all this is the home loop's.
#include "branches.hpp"

#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/scope_node.hpp>

#include "wake_timer.hpp"

namespace workit::detail {
namespace {

constexpr auto complaint_interval = std::chrono::seconds(1);

}  // namespace

branch::branch(branches& owner, std::size_t i, branch_body body, task_options options, scope_node& scope)
    : task_state_base(std::move(options), *scope.home, &scope), index(i), owner_(owner), body_(std::move(body)) {}

void branch::settled() noexcept { owner_.ended(*this); }

patience::patience(loop& home, duration grace, std::function<void(duration)> complain)
    : home_(home), grace_(grace), complain_(std::move(complain)) {}

patience::~patience() { home_.disarm(*this); }

void patience::start(time_point at) {
  if (told_) return;
  told_ = at;
  home_.arm(*this, deadline_point::in(grace_, at).at());
}

void patience::fire() {
  complain_(home_.now() - *told_);
  home_.arm(*this, deadline_point::in(complaint_interval, home_.now()).at());
}

branches::branches(context& ctx, std::string_view what, duration grace)
    : self_(fiber::require("a composable")), what_(what), patience_(*ctx.node().home, grace, [this](duration waited) {
        for (auto* b : running_) b->emit(event::loser_unresponsive{waited});
      }) {}

void branches::run(context& ctx, std::string_view what, duration grace, const std::function<void(branches&)>& drive) {
  branches all(ctx, what, grace);
  ctx.scope({.name = all.what_}, [&](scope& s) {
    all.scope_ = static_cast<scope_node*>(&s.node());
    struct then_wait {
      branches& all;
      ~then_wait() {
        if (!all.running_.empty()) all.patience_.start(all.self_.home.now());
      }
    } const at_the_end{all};
    drive(all);
  });
}

void branches::start(std::size_t index, branch_body body, bool vital) {
  self_.check();
  const auto b = std::make_shared<branch>(
      *this, index, std::move(body),
      task_options{.name = what_ + '[' + std::to_string(index) + ']', .background = !vital}, *scope_);
  b->position = running_.size();
  running_.push_back(b.get());
  branch::start(b);
}

void branches::ended(branch& b) noexcept {
  running_.back()->position = b.position;
  std::swap(running_[b.position], running_.back());
  running_.pop_back();
  ended_.push_back(std::static_pointer_cast<branch>(b.shared_from_this()));
  self_.wake();
}

std::shared_ptr<branch> branches::next() {
  const auto some = [this] { return !ended_.empty(); };
  if (!self_.wait(some)) {
    self_.leave();
    self_.wait_shielded(some);  // unwinding: the frame needs its answer
  }
  auto first = std::move(ended_.front());
  ended_.pop_front();
  return first;
}

std::shared_ptr<branch> branches::next_until(time_point until) {
  if (ended_.empty()) {
    const wake_timer alarm(self_, until);
    if (!self_.wait([&] { return !ended_.empty() || self_.home.now() >= until; })) self_.leave();
    if (ended_.empty()) return nullptr;
  }
  return next();
}

void branches::dismiss(const branch& winner) {
  // Cancelling runs no user code and resumes no fiber: the list stays as it is.
  for (auto* loser : running_) loser->cell()->request(reason::race_lost{winner.id});
}

std::exception_ptr branches::error_of(const branch& ended) {
  if (ended.status() == task_status::failed) return ended.error();
  self_.check();
  return std::make_exception_ptr(task_cancelled(*ended.why(), ended.name));
}

}  // namespace workit::detail
