// event_exporter: events that sampling keeps, copied and sent down a line.
#include <workit/observe/event_exporter.hpp>

#include <random>
#include <workit/scope/detail/scope_node.hpp>

#include <workit/base/detail/check_option.hpp>
#include "export_line.hpp"
#include "opening_event.hpp"

namespace workit {
namespace {

/// What a record takes while it waits, about.
std::size_t bytes_of(const recorded_event& e) {
  auto bytes = sizeof e + e.name.size() + (e.message ? e.message->size() : 0);
  for (const auto& [name, value] : e.data) bytes += sizeof(e.data.front()) + name.size() + value.size();
  return bytes;
}

}  // namespace

class event_exporter::line : public detail::export_line<recorded_event> {
 public:
  line(const event_exporter_options& options, sink to)
      : export_line(
            "an event_exporter", options.queue,
            [clean = options.clean, secrets = options.redaction](recorded_event& e) {
              secrets.apply(e.data);
              // Data of any type: no rule can look into it.
              if (auto* manual = e.why ? std::get_if<reason::manual>(&*e.why) : nullptr) manual->data.reset();
              return clean == nullptr || clean(e);
            },
            std::move(to)),
        rule(options.sampling),
        random_(rule.seed() ? *rule.seed() : std::random_device{}()) {}

  void hear(const lifecycle_event& e) {
    if (!rule.keeps(e.body)) return count_sampled_out();
    add(record(e), tells_of_failure(e.body));
  }
  void hear(recorded_event opening) {
    if (!rule.keeps(opening.body)) return count_sampled_out();
    add(std::move(opening), false);
  }
  [[nodiscard]] bool chooses() {
    if (!rule.is_head()) return rule.chooses(0);
    const thread_lock lock(mutex_);
    return rule.chooses(std::uniform_real_distribution<>(0, 1)(random_));
  }

  const sampling rule;

 private:
  void add(recorded_event e, bool vital) {
    const auto bytes = bytes_of(e);
    export_line::add(std::move(e), bytes, vital);
  }

  thread_mutex mutex_;
  std::mt19937_64 random_ WORKIT_GUARDED_BY(mutex_);
};

event_exporter::event_exporter(event_exporter_options options, sink to)
    : line_(std::make_shared<line>(options, std::move(to))) {}

event_exporter::~event_exporter() { line_->close(); }

subscription event_exporter::attach(scope& to) {
  if (!line_->chooses()) return {};
  line_->hear(detail::opening_of(static_cast<const detail::scope_node&>(to.node())));
  return to.on_event([into = line_](const lifecycle_event& e) { into->hear(e); });
}

std::function<void(const lifecycle_event&)> event_exporter::handler() const {
  WORKIT_CHECK_OPTION(
      !line_->rule.is_head(),
      "an event_exporter that samples by head was to hear a whole runtime: head chooses among scopes, so attach "
      "it to each root");
  if (!line_->chooses()) return [](const lifecycle_event&) {};
  return [into = line_](const lifecycle_event& e) { into->hear(e); };
}

void event_exporter::flush() const { line_->flush(); }
export_counts event_exporter::counts() const { return line_->counts(); }

}  // namespace workit
