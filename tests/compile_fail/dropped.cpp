// Results that do nothing, or undo something, when they are dropped.
#include <workit/compose/retry.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/scope/runtime.hpp>

void drops(workit::scope& s) {
  workit::retry([](workit::context&) {});
  workit::timeout(std::chrono::seconds(1), [] {});
  s.on_cancel([](const workit::cancel_reason&) {});
}
// expect: a task function does nothing until it is called
// expect: the handler is taken from its scope when its subscription ends: hold that, or keep() it
