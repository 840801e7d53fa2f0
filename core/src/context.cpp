// context: cancel points, clocks, cleanups.
#include <workit/base/assert.hpp>
#include <workit/context.hpp>
#include <workit/detail/fiber.hpp>
#include <workit/detail/loop.hpp>

namespace workit {
namespace {

constexpr std::size_t most_cleanups = 10'000;

/// Wakes one sleeping fiber.
class sleeper final : public detail::timer {
 public:
  explicit sleeper(detail::fiber& f) noexcept : fiber_(f) {}
  ~sleeper() { fiber_.home.disarm(*this); }
  void fire() override { fiber_.wake(); }

 private:
  detail::fiber& fiber_;
};

}  // namespace

bool context::stopping() const { return node_.stopping(); }

const cancel_reason* context::why() const {
  if (!node_.stopping()) return nullptr;
  return &node_.cell->record()->why;
}

std::stop_token context::stop_token() {
  auto& stop = node_.with_extras().stop;
  if (!stop) {
    stop.emplace();
    if (node_.stopping()) stop->request_stop();
  }
  return stop->get_token();
}

void context::check() { detail::fiber::require("check()").check(); }

void context::yield() {
  auto& self = detail::fiber::require("yield()");
  self.check();
  self.yield();
}

void context::sleep_for(duration d) { sleep_until(workit::deadline::in(d, now()).at()); }

void context::sleep_until(time_point at) {
  auto& self = detail::fiber::require("sleeping");
  self.check();
  sleeper alarm_clock(self);
  self.home.arm(alarm_clock, at);
  if (!self.wait("sleep", [&] { return !alarm_clock.armed(); })) self.leave();
}

deadline context::deadline() const { return node_.cell->effective_deadline(); }
time_point context::now() const { return node_.home->now(); }
runtime& context::runtime() const { return node_.home->owner(); }

void context::add_cleanup(detail::cleanup c) {
  WORKIT_ASSERT(!c.bound || *c.bound > duration::zero(),
                "\"" + node_.name + "\": the time-out of a cleanup has to be more than zero");
  auto& cleanups = node_.with_extras().cleanups;
  WORKIT_ASSERT(cleanups.size() < most_cleanups,
                "\"" + node_.name + "\" registers more than 10,000 cleanups: open a scope per item instead");
  cleanups.push_back(std::move(c));
}

}  // namespace workit
