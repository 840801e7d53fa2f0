// A scope that is run to its end, for the sake of its receipt.
#pragma once

#include <atomic>
#include <workit/scope/runtime.hpp>

namespace workit::test {

/// Runs `body` in a scope of `options` and returns the complete receipt; a cancellation or an expired deadline of that
/// scope is no error.
template <class F>
scope_receipt receipt_of(runtime& rt, scope_options options, F body) {
  std::atomic<bool> complete{false};
  scope_receipt kept;
  options.on_receipt = [&](const scope_receipt& r) {
    kept = r;
    complete = true;
    complete.notify_all();
  };
  try {
    rt.run(std::move(options), body);
  } catch (const scope_cancelled&) {
  } catch (const timed_out&) {
  }
  complete.wait(false);
  return kept;
}

}  // namespace workit::test
