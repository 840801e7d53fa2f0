// event_sink: a ring under one lock, a leaf; events are copied before it is taken.
#include <algorithm>
#include <mutex>
#include <workit/base/assert.hpp>
#include <workit/event_sink.hpp>

namespace workit {
namespace {

constexpr std::size_t largest = 1'000'000;

// A value of a field as text.
struct as_text {
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(std::string_view s) const { return std::string(s); }
  std::string operator()(auto number) const { return std::to_string(number); }
};

// Moves what a body refers to into members that own it.
struct take_over {
  recorded_event& into;
  void operator()(auto& body) const {
    if constexpr (requires { body.why; }) {
      if (body.why != nullptr) into.why = *body.why;
      body.why = nullptr;
    }
    if constexpr (requires { body.message; }) {
      into.message = body.message;
      body.message = {};
    }
    if constexpr (requires { body.data; }) {
      for (const auto& field : body.data) into.data.emplace_back(field.name, std::visit(as_text{}, field.value));
      body.data = {};
    }
  }
};

}  // namespace

recorded_event record(const lifecycle_event& e) {
  recorded_event kept{.id = e.id, .name = std::string(e.name), .at = e.at, .body = e.body};
  std::visit(take_over{kept}, kept.body);
  return kept;
}

std::string_view kind_of(const recorded_event& e) noexcept {
  return kind_of(lifecycle_event{e.id, e.name, e.at, e.body});
}

class event_sink::ring {
 public:
  explicit ring(std::size_t capacity) : capacity_(capacity) {}

  void add(recorded_event e) {
    const std::lock_guard lock(mutex_);
    if (events_.size() < capacity_) {
      events_.push_back(std::move(e));
      return;
    }
    std::swap(events_[oldest_], e);  // what is dropped is destroyed with the argument, after the lock
    oldest_ = (oldest_ + 1) % capacity_;
    ++dropped_;
  }
  std::vector<recorded_event> take_all() {
    std::vector<recorded_event> all;
    std::size_t oldest = 0;
    {
      const std::lock_guard lock(mutex_);
      all.swap(events_);
      oldest = std::exchange(oldest_, 0);
    }
    std::rotate(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(oldest), all.end());
    return all;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  [[nodiscard]] std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<recorded_event> events_;  // guarded by mutex_, as all below
  std::size_t oldest_ = 0;              // of a full ring
  std::uint64_t dropped_ = 0;
};

event_sink::event_sink(std::size_t capacity) {
  WORKIT_ASSERT(capacity >= 1 && capacity <= largest,
                "an event_sink for " + std::to_string(capacity) + " events; it may hold 1 to 1,000,000");
  ring_ = std::make_shared<ring>(capacity);
}

std::uint64_t event_sink::attach(scope& to) {
  const auto& opened = static_cast<const detail::scope_node&>(to.node());
  const auto* above = opened.parent;
  ring_->add({.id = opened.id,
              .name = opened.name,
              .at = opened.opened_at,
              .body = event::scope_opened{above != nullptr ? above->id : 0}});
  return to.on_event(handler());
}

std::function<void(const lifecycle_event&)> event_sink::handler() const {
  return [into = ring_](const lifecycle_event& e) { into->add(record(e)); };
}

std::vector<recorded_event> event_sink::take_all() { return ring_->take_all(); }
std::size_t event_sink::size() const { return ring_->size(); }
std::uint64_t event_sink::dropped() const { return ring_->dropped(); }

}  // namespace workit
