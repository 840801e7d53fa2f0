// attempt_recorder: a window of records; what is said of a function is redacted and measured once, when it is wrapped.
#include <workit/observe/attempt_recorder.hpp>

#include <workit/scope/detail/in_scope.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/ring_buffer.hpp>
#include "take_snapshot.hpp"

namespace workit {
namespace {

constexpr std::size_t most_attempts = 1'000'000;
constexpr std::size_t most_metadata = std::size_t{1} << 20;

/// Whether `code` matches ^[a-z][a-z0-9_]{0,127}$.
bool is_reason_code(std::string_view code) noexcept {
  constexpr std::size_t longest = 128;
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !code.empty() && code.size() <= longest && is_letter(code.front()) &&
         std::all_of(code.begin(), code.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

const detail::node& task_of(const detail::node& inner) noexcept {
  const auto* n = &inner;
  while (n->parent != nullptr && dynamic_cast<const detail::task_state_base*>(n) == nullptr) n = n->parent;
  return *n;
}

}  // namespace

struct attempt_recorder::book {
  explicit book(const attempt_recorder_options& o)
      : records(o.max_attempts), max_metadata(o.max_metadata), secrets(o.redaction) {}

  detail::ring_buffer<attempt_record> records;
  const std::size_t max_metadata;
  const redaction secrets;
  std::atomic<std::uint64_t> refused_codes{0};
};

struct attempt_recorder::watched_function {
  std::shared_ptr<book> into;
  owned_fields metadata{};
  bool metadata_cut = false;
  std::function<std::string(const std::exception_ptr&)> reason_code{};

  [[nodiscard]] std::string code_of(const std::exception_ptr& error) const {
    if (!reason_code) return {};
    try {
      auto code = reason_code(error);
      if (is_reason_code(code)) return code;
    } catch (...) {  // an observer cannot change what it observes
    }
    into->refused_codes.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
};

attempt_recorder::attempt_recorder(attempt_recorder_options options) {
  WORKIT_CHECK_OPTION(options.max_attempts >= 1 && options.max_attempts <= most_attempts,
                      "attempt_recorder_options.max_attempts is " + std::to_string(options.max_attempts) +
                          "; it may be 1 to 1,000,000");
  WORKIT_CHECK_OPTION(options.max_metadata <= most_metadata, "attempt_recorder_options.max_metadata is " +
                                                                 std::to_string(options.max_metadata) +
                                                                 " bytes; it may be up to 1,048,576");
  book_ = std::make_shared<book>(options);
}

std::shared_ptr<const attempt_recorder::watched_function> attempt_recorder::watch(attempt_details details) const {
  auto watched = std::make_shared<watched_function>();
  watched->into = book_;
  watched->reason_code = std::move(details.reason_code);
  auto redacted = keep(details.metadata);
  book_->secrets.apply(redacted);
  std::size_t room = book_->max_metadata;
  for (auto& field : redacted) {
    const auto size = field.first.size() + field.second.size();
    if (size > room) {
      watched->metadata_cut = true;
      continue;
    }
    room -= size;
    watched->metadata.push_back(std::move(field));
  }
  return watched;
}

void attempt_recorder::run(const watched_function& watched, context& ctx, const std::function<void(context&)>& call) {
  const auto& task = task_of(ctx.node());
  attempt_record record{
      .task = task.id, .name = task.name, .attempt = ctx.attempt(), .started = ctx.now(), .completed = {}};
  const auto keep = [&](event::attempt_end how, const std::exception_ptr& error) {
    record.completed = ctx.now();
    record.outcome = how;
    record.metadata = watched.metadata;
    record.metadata_cut = watched.metadata_cut;
    if (error) record.reason_code = watched.code_of(error);
    if (how == event::attempt_end::failed) record.error = detail::failure_of(error);
    watched.into->records.add(std::move(record));
  };
  try {
    call(ctx);
  } catch (const cancelled&) {
    keep(event::attempt_end::cancelled, std::current_exception());
    throw;
  } catch (...) {
    const auto error = std::current_exception();
    keep(detail::is_cancellation(error) ? event::attempt_end::cancelled : event::attempt_end::failed, error);
    throw;
  }
  keep(event::attempt_end::succeeded, nullptr);
}

std::vector<attempt_record> attempt_recorder::all() const { return book_->records.all(); }
std::size_t attempt_recorder::size() const { return book_->records.size(); }
std::uint64_t attempt_recorder::dropped() const { return book_->records.dropped(); }
std::uint64_t attempt_recorder::refused_codes() const { return book_->refused_codes.load(std::memory_order_relaxed); }

}  // namespace workit
