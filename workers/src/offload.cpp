// offload: a fiber waits for a job of a pool.
//
// Invariants
// 1. The fiber does not go on before its job is settled: a job refers to it only until then.
// 2. The job's cell is closed and its deadline forgotten before the fiber goes on.
// Lock order: there are no locks.
#include <stdexcept>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/detail/fiber.hpp>
#include <workit/detail/loop.hpp>
#include <workit/runtime.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/processes.hpp>

#include "host_budgets.hpp"
#include "line.hpp"
#include "worker_handle.hpp"

namespace workit::detail {
namespace {

/// A job that wakes the fiber that waits for it.
class awaited_job final : public workers::job {
 public:
  awaited_job(context& ctx, fiber& waiter, cancel_cell::ptr ruling, workers::remote_call what, workers::job_terms terms)
      : job(std::move(ruling), ctx.name(), std::move(what), terms),
        context_(ctx),
        waiter_(waiter),
        home_(waiter.home.shared_from_this()) {}

  void heard(std::span<const std::byte> packet, const std::shared_ptr<workers::worker_handle>& from) noexcept override {
    auto said = workers::decode(packet);
    if (!said) return;
    if (loop::current() == home_.get()) return tell(*said, *from);
    home_->post([self = std::static_pointer_cast<awaited_job>(shared_from_this()), from, said = std::move(*said)] {
      self->tell(said, *from);
    });
  }

  void settled() noexcept override {
    if (loop::current() == home_.get()) return wake();
    home_->post([self = std::static_pointer_cast<awaited_job>(self_)] { self->wake(); });
  }

  /// Runs it. Blocks: the fiber. Cancel: by the cell only; the wait itself is not given up.
  static void run(workers::process_pool& pool, const std::shared_ptr<awaited_job>& self) {
    self->self_ = self;
    self->home_->operation_started();
    pool.submit(self);
    self->waiter_.wait_shielded("worker process", [&] { return self->done_; });
    self->home_->operation_ended();
    self->self_.reset();
  }

 private:
  void wake() noexcept {
    done_ = true;
    waiter_.wake();
  }

  /// Says it again, in the name of the task that waits, if that still does. Runs on the home loop.
  void tell(const workers::told& said, const workers::worker_handle& from) noexcept {
    if (done_) return;
    std::visit(overloaded{[&](const workers::told_progress& p) {
                            const auto data = workers::views_of(p.data);
                            context_.report({.pct = p.pct, .message = p.message, .data = data});
                          },
                          [&](const workers::told_log& l) {
                            const auto data = workers::views_of(l.data);
                            context_.log(l.level, l.message, data);
                          },
                          [&](const workers::told_charges& asked) {
                            from.answer(workers::encode(workers::answer_charges(context_, asked)));
                          },
                          [](const workers::told_blocks&) {}},
               said);
  }

  context& context_;
  fiber& waiter_;
  const std::shared_ptr<detail::loop> home_;
  std::shared_ptr<awaited_job> self_;  // until settled: settled() may be the last one to hold it
  bool done_ = false;
};

std::shared_ptr<workers::process_pool> require_pool(context& ctx, const std::string& name) {
  auto pool = find_pool(ctx.runtime(), name);
  if (pool == nullptr)
    throw start_failed(name.empty()
                           ? std::string("offload needs worker processes, and this runtime has none: make it with "
                                         "workit::runtime rt({...}, workit::processes({.workers = 2}))")
                           : "offload: this runtime has no pool of processes called \"" + name + "\"");
  return pool;
}

/// The value of a job that was not stopped, or its error.
struct result_of_job {
  using result = workers::encoded_result;

  result operator()(workers::job_value v) const { return std::move(v.encoded); }
  result operator()(workers::job_exception e) const {
    throw remote_error(std::move(e.type), std::move(e.what), {}, used);
  }
  result operator()(workers::job_crashed c) const {
    if (c.killed_externally) throw killed_externally(task, *c.killed_externally, used);
    throw worker_crashed(task, std::move(c), used);
  }
  result operator()(const workers::job_exceeded& e) const { throw resource_exceeded(task, e.what, e.limit, used); }
  result operator()(workers::job_violated v) const { throw sandbox_violated(task, v.number, std::move(v.name), used); }
  result operator()(const workers::job_not_started& n) const {
    switch (n.kind) {
      case workers::refusal::queue_full:
        throw queue_full(task, pool, n.limit);
      case workers::refusal::stopped:
        throw pool_stopped(task, pool);
      case workers::refusal::no_worker:
        break;
    }
    throw start_failed(n.why);
  }
  template <class Other>
  result operator()(const Other&) const {
    WORKIT_ASSERT(false, "the job of task \"" + task + "\" was settled without a result");
    return {};
  }

  const std::string& task;
  const std::string& pool;
  const worker_usage& used;
};

}  // namespace

void check_options(const offload_options& options) {
  if (options.boundary != workit::boundary::process)
    throw std::invalid_argument("offload_options.boundary is " + std::string(to_string(options.boundary)) +
                                ", which is no worker boundary; it may be boundary::process");
  if (options.timeout && *options.timeout <= duration::zero())
    throw std::invalid_argument("offload_options.timeout has to be more than zero");
  if (options.grace < duration::zero())
    throw std::invalid_argument("offload_options.grace is less than zero; it may be zero, for none, or more");
  if (const auto complaint = workers::complaint_about(options.limits))
    throw std::invalid_argument("offload_options." + *complaint);
  if (options.limits.processes)
    throw std::invalid_argument("offload_options.limits.processes: only a pool can limit processes");
}

workers::encoded_result run_behind_boundary(context& ctx, const offload_options& options,
                                            const workers::remote_call& call) {
  auto& self = fiber::require("offload");
  self.check();
  const auto pool = require_pool(ctx, options.pool);
  auto& home = self.home;
  auto& node = *self.current_node;

  const auto cell = cancel_cell::make(node.cell(), home.shared_from_this());
  if (options.timeout) {
    cell->name_limit(*options.timeout);  // the stop says that this ran out, and not the scope's deadline
    cell->tighten(deadline::in(*options.timeout, home.now()));
    home.deadlines().arm(cell, cell->own_deadline().at());
  }
  const auto until = ctx.runtime().clock().is_manual() ? deadline{} : cell->effective_deadline();
  const auto job = std::make_shared<awaited_job>(ctx, self, cell, call,
                                                 workers::job_terms{.until = until,
                                                                    .grace = options.grace,
                                                                    .priority = options.priority,
                                                                    .loop = static_cast<std::uint32_t>(home.index())});
  job->limits = workers::values_of(options.limits);
  awaited_job::run(*pool, job);
  if (options.timeout || options.grace > duration::zero()) home.deadlines().disarm(*cell);
  // The kernel's timer may have been faster than the warden: then the deadline that it kept is not decided yet.
  if (std::holds_alternative<workers::job_stopped>(job->result)) cell->expire(home.now());
  const auto* own = cell->own_record();
  const auto ran_out = own != nullptr;
  cell->close();
  if (options.on_end) options.on_end(job->used);

  if (auto* stop = std::get_if<workers::job_stopped>(&job->result)) {
    node.keep({ctx.name(), stop->receipt});
    if (ran_out) throw timed_out("offloaded work of \"" + ctx.name() + "\"", *options.timeout);
    self.check();
    throw task_cancelled(stop->receipt->get().why, ctx.name());  // shielded by an exception in flight
  }
  return std::visit(result_of_job{ctx.name(), pool->name(), job->used}, std::move(job->result));
}

}  // namespace workit::detail
