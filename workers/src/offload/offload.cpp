// offload: a call of a task function, whichever boundary it goes behind.
//
// Invariants
// 1. The call's cell is closed and its deadline forgotten before the fiber goes on.
// Lock order: there are no locks.
#include <workit/workers/offload.hpp>

#include <stdexcept>
#include <workit/base/cancelled.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/workers/detail/remote_channel.hpp>

#include "boundary_call.hpp"

namespace workit::detail {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw std::invalid_argument("offload_options." + sentence); }

void check_for_processes(const process_limits& limits) {
  if (const auto complaint = workers::complaint_about(limits)) refuse(*complaint);
  if (limits.processes) refuse("limits.processes: only a pool can limit processes");
}

void check_for_threads(const offload_options& options, const workers::remote_call& call) {
  const std::string here(to_string(options.boundary));
  const auto& l = options.limits;
  if (l.memory || l.cpu || l.files || l.processes || l.output || l.stack)
    refuse("limits: a thread shares what its process has; they need boundary::process");
  if (!call.channels.empty())
    throw std::invalid_argument(
        "offload: a function that takes a worker_sender needs boundary::process; at boundary::" + here +
        " it may return its values");
  if (call.in_scope)
    throw std::invalid_argument("offload: a function that takes a context& needs boundary::process; at boundary::" +
                                here + " it may take a workit::worker_context&");
}

struct way {
  std::shared_ptr<boundary_call> (*make)(const call_site&);
  const char* waits_for;
};

way way_of(workit::boundary b) noexcept {
  if (b == workit::boundary::cooperative) return {make_cooperative_call, "arena"};
  if (b == workit::boundary::thread) return {make_thread_call, "worker thread"};
  return {make_process_call, "worker process"};
}

void check_attempts(const offload_options& options, const workers::remote_call& call) {
  constexpr std::size_t most = 1'000;
  if (options.attempts == 0 || options.attempts > most)
    refuse("attempts is " + std::to_string(options.attempts) + "; it may be 1 to 1,000");
  if (options.attempts == 1) return;
  const auto several = "attempts is " + std::to_string(options.attempts) + ", but ";
  if (options.boundary != boundary::process)
    refuse(several + "only the worker of boundary::process can die under a task; this is boundary::" +
           std::string(to_string(options.boundary)));
  if (!options.idempotent)
    refuse(several +
           "the task is not declared idempotent, and a worker that dies may have done half of it: set "
           "idempotent, or leave attempts at 1");
  if (!call.channels.empty())
    refuse(several +
           "the task sends to a worker_channel, where the values of a dead worker would stand before their "
           "repetition");
}

}  // namespace

void check_options(const offload_options& options, const workers::remote_call& call) {
  check_attempts(options, call);
  if (options.grace < duration::zero()) refuse("grace is less than zero; it may be zero, for none, or more");
  switch (options.boundary) {
    case workit::boundary::process:
      return check_for_processes(options.limits);
    case workit::boundary::cooperative:
      if (options.priority != task_priority::normal) refuse("priority: an arena has none");
      [[fallthrough]];
    case workit::boundary::thread:
      return check_for_threads(options, call);
    case workit::boundary::fiber:
      break;
  }
  refuse("boundary is " + std::string(to_string(options.boundary)) +
         ", which is no worker boundary; it may be cooperative, thread or process");
}

namespace {

std::exception_ptr error_of(boundary_call& made) {
  try {
    made.take();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

/// Of a call that ran out of time: whether it only waited.
std::string wait_of(const offload_options& options, const std::shared_ptr<receipt_slot>& stop) {
  if (stop == nullptr || stop->get().method != stop_method::withdrawn) return {};
  const auto pool = options.pool.empty() ? "its pool" : "pool \"" + options.pool + '"';
  return "it waited in the queue of " + pool + " and never began";
}

/// The last attempt, which has ended.
std::shared_ptr<boundary_call> run_attempts(call_site& site, node& teller) {
  const auto& options = site.options;
  const auto [make, waits_for] = way_of(options.boundary);
  for (;; ++site.attempt) {
    auto made = make(site);
    made->run(made, waits_for);
    if (site.attempt == options.attempts || !made->lost_its_worker() || site.cell->record() != nullptr) return made;
    if (options.on_end) options.on_end(made->used());
    teller.emit(event::task_retrying{site.attempt + 1, error_of(*made), duration::zero()});
  }
}

workers::encoded_result run_call(context& ctx, const offload_options& options, const workers::remote_call& call) {
  auto& self = fiber::require("offload");
  ctx.runtime().refuse_in_forked_child("offload");
  self.check();
  auto& home = self.home;
  auto& node = *detail::node_of(self);
  if (options.timeout && *options.timeout <= duration::zero())
    throw timed_out("task \"" + ctx.name() + '"', *options.timeout);
  const auto cell = cancel_cell::make(node.cell(), home.shared_from_this());
  call_site site{ctx, self, cell, options, call, {}};
  if (options.timeout) {
    cell->name_limit(*options.timeout);  // the stop says that this ran out, and not the scope's deadline
    cell->tighten(deadline_point::in(*options.timeout, home.now()));
  }
  if (!ctx.runtime().clock().is_manual()) site.until = cell->effective_deadline();
  if (options.timeout) home.deadlines().arm(cell, cell->own_deadline().at());
  std::shared_ptr<boundary_call> made;
  try {
    made = run_attempts(site, node);
  } catch (...) {  // there is no pool, or on_end threw
    home.deadlines().disarm(*cell);
    cell->close();
    throw;
  }
  if (options.timeout || options.grace > duration::zero()) home.deadlines().disarm(*cell);
  const auto stop = made->stop();
  // The kernel's timer may have been faster than the warden: then the deadline that it kept is not decided yet.
  if (stop != nullptr) cell->expire(home.now());
  const bool ran_out = cell->own_record() != nullptr;
  cell->close();
  if (options.on_end) options.on_end(made->used());
  // Where a lost attempt would have been followed by another but for the stop, the stop is how the call ends.
  const bool stopped_between = stop == nullptr && site.attempt < options.attempts && made->lost_its_worker();
  if (stop == nullptr && !stopped_between) return made->take();
  if (stop != nullptr) node.keep({ctx.name(), stop});
  if (ran_out) throw timed_out("offloaded work of \"" + ctx.name() + "\"", *options.timeout, wait_of(options, stop));
  self.check();
  if (stop == nullptr) return made->take();
  throw task_cancelled(stop->get().why, ctx.name());  // shielded by an exception in flight
}

template <class... How>
void close_all(const channels_of_call& channels, const How&... how) {
  for (const auto& each : channels) each->close(how...);
}

}  // namespace

/// The channels of a call close as it ends, whatever its end is.
workers::encoded_result run_behind_boundary(context& ctx, const offload_options& options,
                                            const workers::remote_call& call) {
  for (const auto& each : call.channels) each->begin();
  try {
    auto result = run_call(ctx, options, call);
    close_all(call.channels);
    return result;
  } catch (const cancelled& c) {
    close_all(call.channels, c.why());
    throw;
  } catch (...) {
    close_all(call.channels, std::nullopt, std::current_exception());
    throw;
  }
}

}  // namespace workit::detail
