// time: the composables about time and cancellation: timeout, deadline_at, uncancellable.
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/bracket.hpp>
#include <workit/compose/deadline_at.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/compose/uncancellable.hpp>
#include <workit/scope/detail/scope_node.hpp>

#include <workit/base/detail/check_option.hpp>

#include "branches.hpp"

namespace workit::detail {
namespace {

/// Opens the scope, reports the body when it does not end within `grace` after the scope's deadline.
void run_limited(context& ctx, scope_options options, duration grace, scope_body body, scope_traits traits) {
  scope_node* limited = nullptr;
  patience watch(*ctx.node().home, grace, [&](duration waited) {
    if (limited->now_in != scope_node::phase::closed && limited->stopping())
      limited->emit(event::loser_unresponsive{waited});
  });
  auto watched = [&](workit::scope& s) {
    limited = static_cast<scope_node*>(&s.node());
    if (const auto until = limited->cell()->own_deadline(); !until.is_never()) watch.start(until.at());
    body(s);
  };
  run_scope(ctx.node(), std::move(options), scope_body(watched), traits);
}

}  // namespace

void check_options(const timeout_options& options) {
  WORKIT_CHECK_OPTION(options.grace > duration::zero(), "timeout(): the grace has to be more than zero");
}

void check_bracket(const defer_options& options) {
  WORKIT_CHECK_OPTION(!options.timeout || *options.timeout > duration::zero(),
                      "bracket(): the time-out of the release has to be more than zero");
}

void run_timeout(context& ctx, const timeout_options& options, scope_body body) {
  auto checked = [&](workit::scope& s) {
    s.check();
    body(s);
  };
  run_limited(ctx, {.name = options.name, .deadline = options.limit}, options.grace, scope_body(checked),
              {.limits_time = true, .believes_body = true});
}

void run_deadline(context& ctx, const compose_options& options, deadline_point at, scope_body body, std::string name) {
  auto checked = [&](workit::scope& s) {
    s.check();
    body(s);
  };
  run_limited(ctx, {.name = std::move(name), .deadline_at = at}, options.grace, scope_body(checked),
              {.believes_body = true});
}

void run_uncancellable(context& ctx, time_span limit, scope_body body) {
  run_limited(ctx, {.name = "uncancellable", .deadline = limit}, compose_options{}.grace, body,
              {.shield = cancel_cell::shield::on, .limits_time = true, .believes_body = true});
}

}  // namespace workit::detail
