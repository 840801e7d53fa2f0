// stream_run: the run in a task of its own, its values on their way to the consumer.
//
// Invariants
// 1. A value that is ready keeps its place until the consumer has taken it: the source is at most plan.parallel ahead.
// 2. The pump, its scope and all items have ended when over_ is set, which is the last the pump does here.
// 3. close() comes before the end of what derives from this, whose functions the pump calls.
// Lock order: there are no locks, all this is the home loop's.
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>

#include "item.hpp"

namespace workit::detail {
namespace {

node& checked_owner(node& below) {
  WORKIT_ASSERT(below.nearest_scope() != nullptr,
                "work().stream(): \"" + below.name + "\" is in no scope that could own the items");
  return below;
}

}  // namespace

/// The task that drives the run. Its failure is the consumer's to hear.
class stream_pump final : public task_state_base {
 public:
  stream_pump(stream_run& run, node& below)
      : task_state_base({.name = "work-stream", .background = true}, *below.home, &checked_owner(below)), run_(run) {}

 private:
  void call(context& ctx) override { run_.run(ctx, "work-stream"); }
  void drop_body() noexcept override {}
  void settled() noexcept override { run_.pump_ended(); }

  stream_run& run_;
};

stream_run::stream_run(context& ctx, const work_plan& plan, bool reports_progress)
    : work_run(plan, work_mode::fail, reports_progress), below_(*node_of(fiber::require("work().stream()"))) {
  WORKIT_ASSERT(below_.home == ctx.node().home, "work().stream() was called with a context of another loop");
}

stream_run::~stream_run() = default;

void stream_run::start() {
  pump_ = std::make_shared<stream_pump>(*this, below_);
  stream_pump::start(pump_);
}

std::unique_ptr<work_place> stream_run::next() {
  auto& self = fiber::require("taking the next value of a stream");
  WORKIT_ASSERT(consumer_ == nullptr, "two fibers wait for the next value of one work().stream(): it has one consumer");
  self.check();
  if (pump_ == nullptr) start();
  const auto told = [this] { return over_ || !ready_.empty(); };
  if (!told()) {
    struct while_waiting {
      fiber*& consumer;
      ~while_waiting() { consumer = nullptr; }
    } const waiting{consumer_ = &self};
    if (!self.wait("the next item", told)) {
      self.leave();
      self.wait_shielded("the next item", told);  // unwinding: the frame needs its answer
    }
  }
  if (!ready_.empty()) {
    auto first = std::move(ready_.front());
    ready_.pop_front();
    return first;
  }
  if (std::exchange(told_, true)) return nullptr;
  if (pump_->status() == task_status::failed) std::rethrow_exception(pump_->error());
  if (pump_->status() == task_status::succeeded) return nullptr;
  self.check();
  throw task_cancelled(*pump_->why(), pump_->name);
}

void stream_run::ended(std::unique_ptr<work_place> place, bool has_value) {
  if (!has_value) return free(std::move(place));
  ready_.push_back(std::move(place));
  if (consumer_ != nullptr) consumer_->wake();
}

void stream_run::taken(std::unique_ptr<work_place> place) {
  free(std::move(place));
  if (!over_) wake_driver();
}

void stream_run::pump_ended() noexcept {
  over_ = true;
  if (consumer_ != nullptr) consumer_->wake();
}

void stream_run::close() noexcept {
  if (pump_ == nullptr || over_) return;
  auto& self = fiber::require("closing a stream");
  pump_->cell()->request(reason::manual{.tag = "stream_consumer_closed", .data = {}});
  consumer_ = &self;
  self.wait_shielded("its stream to close", [this] { return over_; });
}

}  // namespace workit::detail
