// event_sink: a window of events; they are copied before they come to it.
#include <workit/observe/event_sink.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/ring_buffer.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include "opening_event.hpp"

namespace workit {
namespace {

constexpr std::size_t largest = 1'000'000;

}  // namespace

class event_sink::ring : public detail::ring_buffer<recorded_event> {
 public:
  using ring_buffer::ring_buffer;
};

recorded_event detail::opening_of(const scope_node& opened) {
  return {.id = opened.id,
          .name = opened.name,
          .at = opened.opened_at,
          .body = event::scope_opened{opened.parent != nullptr ? opened.parent->id : 0}};
}

event_sink::event_sink(std::size_t capacity) {
  WORKIT_CHECK_OPTION(capacity >= 1 && capacity <= largest,
                      "an event_sink for " + std::to_string(capacity) + " events; it may hold 1 to 1,000,000");
  ring_ = std::make_shared<ring>(capacity);
}

subscription event_sink::attach(scope& to) {
  ring_->add(detail::opening_of(static_cast<const detail::scope_node&>(to.node())));
  return to.on_event(handler());
}

std::function<void(const lifecycle_event&)> event_sink::handler() const {
  return [into = ring_](const lifecycle_event& e) { into->add(record(e)); };
}

std::vector<recorded_event> event_sink::take_all() { return ring_->take_all(); }
std::size_t event_sink::size() const { return ring_->size(); }
std::uint64_t event_sink::dropped() const { return ring_->dropped(); }

}  // namespace workit
