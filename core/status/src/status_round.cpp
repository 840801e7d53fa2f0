// status_round: each loop copies its own tree, so no thread reads another's.
//
// Invariants
// 1. A question runs on the loop it asks, so that it needs no lock for the tree; the answer is moved under mutex_.
// 2. waiter_ is read and cleared on its own loop only; the last answer posts there.
// Lock order: mutex_ is a leaf; nothing is called under it.
#include "status_round.hpp"

#include <workit/base/assert.hpp>

#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include <workit/scope/runtime.hpp>

#include "take_snapshot.hpp"

namespace workit {
namespace detail {

std::shared_ptr<status_round> status_round::ask(const std::vector<std::shared_ptr<loop>>& loops, question q) {
  auto round = std::make_shared<status_round>();
  {
    const thread_lock lock(round->mutex_);
    round->answers_.resize(loops.size());
    round->missing_ = loops.size();
  }
  const auto kept = std::make_shared<const question>(std::move(q));
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto work = [round, i, kept, asked = loops[i]] {
      runtime_snapshot answer;
      (*kept)(*asked, answer);
      round->answered(i, std::move(answer));
      asked->tell_drivers();
    };
    if (loop::current() == loops[i].get())
      work();
    else
      loops[i]->post(std::move(work));
  }
  return round;
}

void status_round::answered(std::size_t i, runtime_snapshot with) {
  std::shared_ptr<loop> back;
  {
    const thread_lock lock(mutex_);
    answers_[i] = std::move(with);
    if (--missing_ != 0) return;
    all_here_.notify_all();
    back = back_;
  }
  if (back == nullptr) return;
  back->post([self = shared_from_this()] {
    if (self->waiter_ != nullptr) self->waiter_->wake();
  });
}

bool status_round::complete() const {
  const thread_lock lock(mutex_);
  return missing_ == 0;
}

void status_round::wait(const char* act, loop& asked) {
  if (complete()) return;
  if (loop::current() != nullptr) return wait_on_fiber(fiber::require(act));
  if (asked.is_driven_by_callers()) return asked.drive_until([this] { return complete(); });
  thread_lock lock(mutex_);
  while (missing_ != 0) all_here_.wait(lock.native());
}

void status_round::wait_until(time_point at) {
  thread_lock lock(mutex_);
  all_here_.wait_until(lock.native(), at, [this] {
    mutex_.assert_held();
    return missing_ == 0;
  });
}

void status_round::wait_on_fiber(fiber& self) {
  waiter_ = &self;
  {
    const thread_lock lock(mutex_);
    back_ = self.home.shared_from_this();
  }
  const auto all_here = [this] { return complete(); };
  if (!self.wait("status of other loops", all_here)) {
    try {
      self.leave();
    } catch (...) {
      waiter_ = nullptr;
      throw;
    }
    self.wait_shielded("status of other loops", all_here);  // unwinding: the frame needs its answer
  }
  waiter_ = nullptr;
}

std::optional<runtime_snapshot> status_round::answer(std::size_t i) const {
  const thread_lock lock(mutex_);
  return answers_[i];
}

}  // namespace detail

scope_snapshot scope_context::status() const {
  WORKIT_ASSERT(detail::loop::current() == node_->home,
                "the status of scope \"" + node_->name + "\" was asked for on another thread: use scope.remote()");
  return detail::take_snapshot(own());
}

scope_snapshot remote_scope::status() const {
  const auto round = detail::status_round::ask(
      {node_->home->shared_from_this()},
      [scope = node_](const auto&, runtime_snapshot& into) { into.roots.push_back(detail::take_snapshot(*scope)); });
  round->wait("asking a scope of another loop for its status", *node_->home);
  return std::move(round->answer(0)->roots.front());
}

runtime_snapshot runtime::status() const {
  const auto round = detail::status_round::ask(loops_, detail::take_roots);
  round->wait("asking several loops for their status", *loops_.front());
  runtime_snapshot all{.name = name(), .taken = clock().now()};
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    auto part = *round->answer(i);
    std::move(part.roots.begin(), part.roots.end(), std::back_inserter(all.roots));
    std::move(part.queued.begin(), part.queued.end(), std::back_inserter(all.queued));
  }
  return all;
}

}  // namespace workit
