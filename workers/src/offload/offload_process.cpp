// offload at boundary::process.
#include "boundary_call.hpp"

#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/workers/detail/job.hpp>
#include <workit/workers/processes.hpp>

#include "answer_charges.hpp"
#include "task_channel.hpp"
#include "worker_handle.hpp"

namespace workit::detail {
namespace {

/// The value of a job that was not stopped, or its error.
struct result_of_job {
  using result = workers::encoded_result;

  result operator()(workers::job_value& v) const { return std::move(v.encoded); }
  result operator()(workers::job_exception& e) const {
    throw remote_error(std::move(e.type), std::move(e.what), std::move(e.backtrace), used, std::move(e.causes));
  }
  result operator()(workers::job_crashed& c) const {
    if (c.killed_externally) throw killed_externally(task, *c.killed_externally, used);
    throw worker_crashed(task, std::move(c), used);
  }
  result operator()(workers::job_lost& l) const { throw zygote_lost(task, std::move(l.zygote), used); }
  result operator()(const workers::job_exceeded& e) const { throw resource_exceeded(task, e.what, e.limit, used); }
  result operator()(workers::job_violated& v) const { throw sandbox_violated(task, v.number, std::move(v.name), used); }
  result operator()(const workers::job_not_started& n) const {
    switch (n.kind) {
      case workers::refusal::queue_full:
        throw queue_full(task, pool, n.limit);
      case workers::refusal::stopped:
        throw pool_stopped(task, pool);
      case workers::refusal::no_worker:
      case workers::refusal::lost_worker:
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

class process_call final : public boundary_call, public workers::job {
 public:
  process_call(const call_site& site, std::shared_ptr<workers::process_pool> pool)
      : boundary_call(site),
        job(site.cell, site.ctx.name(), site.call,
            workers::job_terms{.until = site.until,
                               .grace = site.options.grace,
                               .priority = site.options.priority,
                               .loop = static_cast<std::uint32_t>(site.waiter.home.index())}),
        pool_(std::move(pool)) {
    limits = workers::values_of(site.options.limits);
    job::used.attempt = site.attempt;
  }

  [[nodiscard]] std::shared_ptr<receipt_slot> stop() const override {
    const auto* stopped = std::get_if<workers::job_stopped>(&result);
    return stopped != nullptr ? stopped->receipt : nullptr;
  }
  [[nodiscard]] const worker_usage& used() const override { return job::used; }
  workers::encoded_result take() override { return std::visit(result_of_job{name, pool_->name(), job::used}, result); }

  [[nodiscard]] bool lost_its_worker() const override {
    if (const auto* n = std::get_if<workers::job_not_started>(&result)) return n->kind == workers::refusal::lost_worker;
    if (std::holds_alternative<workers::job_lost>(result)) return true;
    const auto* crash = std::get_if<workers::job_crashed>(&result);
    return crash != nullptr && crash->killed_externally != out_of_memory::likely;
  }

  void heard(std::span<const std::byte> packet, const std::shared_ptr<workers::worker_handle>& from) noexcept override {
    auto message = workers::decode(packet);
    if (!message) return;
    if (loop::current() == home_.get()) return forward(*message, *from);
    home_->post([self = std::static_pointer_cast<process_call>(job::shared_from_this()), from,
                 message = std::move(*message)] { self->forward(message, *from); });
  }

  void settled() noexcept override { settle(); }

 private:
  void submit() override { pool_->submit(job::shared_from_this()); }

  /// Forwards it in the name of the waiting task, if that still waits. Runs on the home loop.
  void forward(const workers::task_message& message, const workers::worker_handle& from) noexcept {
    if (done_) return;
    std::visit(overloaded{[&](const workers::progress_message& p) {
                            const auto data = workers::views_of(p.data);
                            context_.report({.pct = p.pct, .message = p.message, .data = data});
                          },
                          [&](const workers::log_message& l) {
                            const auto data = workers::views_of(l.data);
                            context_.log(l.level, l.message, data);
                          },
                          [&](const workers::charges_message& asked) {
                            from.answer(workers::encode(workers::answer_charges(context_, asked)));
                          },
                          [](const workers::blocks_message&) {}},
               message);
  }

  const std::shared_ptr<workers::process_pool> pool_;
};

}  // namespace

std::shared_ptr<boundary_call> make_process_call(const call_site& site) {
  auto pool = find_pool(site.ctx.runtime(), site.options.pool);
  if (pool == nullptr)
    throw start_failed(site.options.pool.empty()
                           ? "offload needs worker processes, " +
                                 why_no_pool(site.ctx, "workit::processes({.workers = 2})")
                           : "offload: this runtime has no pool of processes called \"" + site.options.pool + "\"");
  return std::make_shared<process_call>(site, std::move(pool));
}

}  // namespace workit::detail
