// joins: the composables of several branches: all, pool, all_settled, race, any.
#include <algorithm>
#include <workit/base/errors.hpp>
#include <workit/compose/pool.hpp>

#include <workit/base/detail/check_option.hpp>

#include "branches.hpp"

namespace workit::detail {

void check_options(std::string_view what, const compose_options& options) {
  WORKIT_CHECK_OPTION(options.grace > duration::zero(),
                      std::string(what) + "(): the grace of its losers has to be more than zero");
}

void check_any(std::string_view what, std::size_t number) {
  WORKIT_CHECK_OPTION(number > 0,
                      std::string(what) + "() was given no functions: no function can win, so give it at least one");
}

void check_pool(std::size_t limit) {
  WORKIT_CHECK_OPTION(limit > 0, "pool(): the limit is 0, so that nothing could run; it may be 1 or more");
}

void run_all(context& ctx, std::string_view what, const compose_options& options, std::size_t limit,
             branch_bodies bodies) {
  branches::run(ctx, what, options.grace, [&](branches& all) {
    std::size_t next = 0;
    // Each end is looked at: of two that come in one turn, the second may be of a branch without a value.
    for (std::size_t seen = 0; seen < bodies.size(); ++seen) {
      while (next < bodies.size() && all.running() < limit) {
        all.start(next, std::move(bodies[next]), true);
        ++next;
      }
      const auto ended = all.next();
      if (ended->status() != task_status::succeeded) std::rethrow_exception(all.error_of(*ended));
    }
  });
}

std::vector<branch_end> run_all_settled(context& ctx, const compose_options& options, branch_bodies bodies) {
  std::vector<branch_end> ends(bodies.size());
  branches::run(ctx, "all_settled", options.grace, [&](branches& all) {
    for (std::size_t i = 0; i < bodies.size(); ++i) all.start(i, std::move(bodies[i]), false);
    for (std::size_t n = 0; n < ends.size(); ++n) {
      const auto ended = all.next();
      ends[ended->index] = ended->end();
    }
    const auto was_cancelled = [](const branch_end& e) { return e.how == task_status::cancelled; };
    if (std::any_of(ends.begin(), ends.end(), was_cancelled)) fiber::require("all_settled()").check();
  });
  return ends;
}

std::size_t run_race(context& ctx, const compose_options& options, branch_bodies bodies) {
  std::size_t winner = 0;
  branches::run(ctx, "race", options.grace, [&](branches& all) {
    for (std::size_t i = 0; i < bodies.size(); ++i) all.start(i, std::move(bodies[i]), false);
    const auto first = all.next();
    winner = first->index;
    all.dismiss(*first);
    if (first->status() != task_status::succeeded) std::rethrow_exception(all.error_of(*first));
  });
  return winner;
}

std::size_t run_any(context& ctx, const compose_options& options, branch_bodies bodies) {
  std::optional<std::size_t> winner;
  branches::run(ctx, "any", options.grace, [&](branches& all) {
    for (std::size_t i = 0; i < bodies.size(); ++i) all.start(i, std::move(bodies[i]), false);
    std::vector<std::exception_ptr> errors;
    while (!winner && errors.size() < bodies.size()) {
      const auto ended = all.next();
      if (ended->status() == task_status::succeeded) {
        winner = ended->index;
        all.dismiss(*ended);
      } else {
        errors.push_back(all.error_of(*ended));
      }
    }
    if (winner) return;
    fiber::require("any()").check();
    throw aggregate_error("any(): all " + std::to_string(bodies.size()) + " candidates failed", std::move(errors));
  });
  return *winner;
}

}  // namespace workit::detail
