// work_run: when an item is pulled, started, and done with.
//
// Invariants
// 1. in_use_ counts the places that are not free: that of the item being pulled, of those that run, and of those whose
//    value waits for a consumer. An item is pulled only while in_use_ was below plan_.parallel.
// 2. running_ counts the items that have started and whose end, hook and all, is not over. The driver leaves its scope
//    when there are none, so that an item may refer to the run for as long as it lives.
// 3. The source is destroyed after the last item, which may refer to its elements.
// 4. An end is dealt with where it happens, on the item's fiber, and not by the driver, which may be waiting for the
//    source.
// Lock order: there are no locks, all this is the home loop's.
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/deadline_at.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/fiber/detail/loop.hpp>

#include "branches.hpp"
#include "item.hpp"

namespace workit::detail {
namespace {

// After so many starts in a row the driver lets the items begin, however many places are free.
constexpr unsigned burst = 32;

/// The reason in an error that says that something ran out of time or was cancelled; none in any other.
std::optional<cancel_reason> cancellation_in(const std::exception_ptr& error, deadline_point by, time_point now) {
  try {
    std::rethrow_exception(error);
  } catch (const timed_out& e) {
    if (by.passed(now)) return reason::deadline{by, by.overdue(now)};
    return reason::timeout{e.limit()};
  } catch (const scope_cancelled& e) {
    return e.why();
  } catch (const task_cancelled& e) {
    return e.why();
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace

void pacer::wait(context& ctx) {
  if (spacing_ == duration::zero()) return;
  const std::lock_guard in_line(turn_);
  if (ctx.now() < next_) ctx.sleep_until(next_);
  next_ = deadline_point::in(spacing_, ctx.now()).at();
}

work_run::work_run(const work_plan& plan, work_mode mode, bool reports_progress)
    : plan_(plan), mode_(mode), reports_progress_(reports_progress), pacer_(plan.spacing) {
  if (plan.retry) random_.emplace(plan.retry->seed);
}

work_run::~work_run() = default;

void work_run::run(context& ctx, const char* name) {
  name_ = name;
  ctx.scope({.name = name}, [this](workit::scope& s) { drive(s); });
}

void work_run::drive(workit::scope& s) {
  self_ = &fiber::require("work()");
  scope_ = static_cast<scope_node*>(&s.node());
  patience watch(self_->home, compose_options{}.grace, [this](duration waited) {
    for (auto* item = scope_->first_child; item != nullptr; item = item->next_sibling)
      item->emit(event::loser_unresponsive{waited});
  });
  const auto none_left = [this] { return running_ == 0; };
  std::optional<cancelled> left;
  try {
    start_all(s);
    if (!self_->wait("its items", none_left)) self_->leave();
    if (some_cancelled_) self_->check();
  } catch (const cancelled& c) {
    left = c;
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
    scope_->cell()->request(reason::parent_failed{failure_});
  }
  if (running_ > 0) {
    watch.start(self_->home.now());
    self_->wait_shielded("its items", none_left);
  }
  drop_source();
  if (failure_) std::rethrow_exception(failure_);
  if (!left) return;
  if (mode_ != work_mode::partial) throw *left;
  stopped_ = left->why();
}

void work_run::start_all(workit::scope& s) {
  const auto some_free = [this] { return in_use_ < plan_.parallel; };
  for (unsigned started = 1;; ++started) {
    if (!self_->wait("a free place", some_free)) self_->leave();
    self_->check();
    std::unique_ptr<work_place> place;
    if (free_.empty()) {
      place = make_place();
    } else {
      place = std::move(free_.back());
      free_.pop_back();
    }
    ++in_use_;
    if (!pull(s, *place)) return;
    start(std::move(place));
    if (started % burst == 0) s.yield();
  }
}

void work_run::start(std::unique_ptr<work_place> place) {
  place->index = next_index_++;
  place->attempts = 0;
  place->filtered = false;
  task_options options{.name = std::string(name_) + "-item-" + std::to_string(place->index),
                       .background = mode_ != work_mode::fail};
  const auto item = std::make_shared<work_item>(*this, std::move(place), std::move(options), *scope_);
  ++running_;
  work_item::start(item);
}

void work_run::call_item(work_place& place, context& ctx) {
  if (reports_progress_) {
    auto& item = ctx.node();
    item.with_extras().handlers.push_back(
        std::make_shared<event_handler>(item, [this, &place](const lifecycle_event& e) {
          if (const auto* said = std::get_if<event::progress>(&e.body)) tell_progress(place, e.id, *said);
        }));
    ++item.home->handlers;  // given back when the item closes
  }
  const auto limited = [&](context& c) {
    if (!plan_.timeout) return call_attempts(place, c);
    auto body = [&](workit::scope& s) { call_attempts(place, s); };
    run_timeout(c, {.name = ctx.name(), .limit = *plan_.timeout}, scope_body(body));
  };
  if (plan_.deadline.is_never()) return limited(ctx);
  auto body = [&](workit::scope& s) { limited(s); };
  run_deadline(ctx, {}, plan_.deadline, scope_body(body), ctx.name());
}

void work_run::call_attempts(work_place& place, context& ctx) {
  const auto once = [this, &place](context& c) {
    ++place.attempts;
    pacer_.wait(c);
    place.filtered = !flow(c, place);
  };
  if (!plan_.retry) return once(ctx);
  run_retry(ctx, *plan_.retry, *random_, [&](context& c, std::size_t number) {
    auto body = [&](workit::scope& s) { once(s); };
    run_attempt(c, number, scope_body(body), ctx.name());
  });
}

void work_run::item_ended(work_item& item) noexcept {
  auto place = std::move(item.place);
  work_end end{item.id, item.name, item.status(), item.error(), {}};
  if (item.why() != nullptr) end.why = *item.why();
  if (place->filtered) {
    end.how = task_status::cancelled;
    end.why = reason::manual{.tag = "filtered", .data = {}};
  }
  bool has_value = false;
  try {
    if (!place->filtered) judge(item, end);
    settle(*place, end);
    has_value = end.how == task_status::succeeded;
  } catch (...) {
    fail(item, std::current_exception());
  }
  ended(std::move(place), has_value);
  --running_;
  self_->wake();
}

void work_run::judge(const work_item& item, work_end& end) {
  if (end.how == task_status::cancelled) {
    some_cancelled_ = true;
    if (mode_ == work_mode::fail && !scope_->cell()->stopping())
      fail(item, std::make_exception_ptr(task_cancelled(*end.why, item.name)));
  } else if (end.how == task_status::failed && mode_ == work_mode::partial) {
    end.why = cancellation_in(end.error, plan_.deadline, self_->home.now());
    if (!end.why) return fail(item, end.error);
    end.how = task_status::cancelled;
    end.error = nullptr;
  }
}

void work_run::fail(const work_item& item, std::exception_ptr error) {
  if (!failure_) failure_ = error;
  scope_->cell()->request(reason::sibling_failed{item.id, item.name, std::move(error)});
}

void work_run::ended(std::unique_ptr<work_place> place, bool /*has_value*/) { free(std::move(place)); }

void work_run::free(std::unique_ptr<work_place> place) {
  place->clear();
  free_.push_back(std::move(place));
  --in_use_;
}

void work_run::wake_driver() noexcept {
  if (self_ != nullptr) self_->wake();
}

void work_run::hook_failed(const char* hook, std::size_t index) noexcept {
  try {
    std::string text = "something that is no std::exception";
    try {
      throw;
    } catch (const std::exception& e) {
      text = e.what();
    } catch (...) {  // it keeps that name
    }
    if (scope_->heard())
      scope_->emit(event::log{
          log_level::error, "a hook of work() has thrown", {{"hook", hook}, {"index", index}, {"what", text}}});
  } catch (...) {  // out of memory: an observer cannot change what it observes
  }
}

}  // namespace workit::detail
