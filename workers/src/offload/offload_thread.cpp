// offload at boundary::thread.
#include "boundary_call.hpp"

#include <sched.h>

#include <workit/base/errors.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/workers/detail/thread_job.hpp>
#include <workit/workers/threads.hpp>

namespace workit::detail {
namespace {

class thread_call final : public boundary_call, public workers::thread_job {
 public:
  thread_call(const call_site& site, std::shared_ptr<workers::thread_pool> pool)
      : boundary_call(site),
        thread_job(
            site.cell, site.ctx.name(), site.call,
            workers::job_terms{.until = site.until, .grace = site.options.grace, .priority = site.options.priority}),
        pool_(std::move(pool)) {}

  [[nodiscard]] std::shared_ptr<receipt_slot> stop() const override {
    const auto* stopped = std::get_if<workers::job_stopped>(&result);
    return stopped != nullptr ? stopped->receipt : nullptr;
  }
  [[nodiscard]] const worker_usage& used() const override { return thread_job::used; }
  workers::encoded_result take() override {
    return std::visit(overloaded{[](workers::encoded_result& v) { return std::move(v); },
                                 [](std::exception_ptr& e) -> workers::encoded_result { std::rethrow_exception(e); },
                                 [&](workers::job_not_started& n) -> workers::encoded_result {
                                   if (n.kind == workers::refusal::queue_full)
                                     throw queue_full(name, pool_->name(), n.limit);
                                   if (n.kind == workers::refusal::stopped) throw pool_stopped(name, pool_->name());
                                   throw start_failed(n.why);
                                 },
                                 [](auto&) { return workers::encoded_result{}; }},
                      result);
  }

  void settled() noexcept override { settle(); }

  // On another processor the stop is over before this thread could sleep and be woken; on this one it waits for this
  // thread.
  void kicked(int on_processor) noexcept override {
    if (loop::current() == home_.get() && on_processor >= 0 && on_processor != ::sched_getcpu()) spin_for_answer();
  }

 private:
  void submit() override { pool_->submit(std::static_pointer_cast<thread_call>(thread_job::shared_from_this())); }

  const std::shared_ptr<workers::thread_pool> pool_;
};

}  // namespace

std::shared_ptr<boundary_call> make_thread_call(const call_site& site) {
  auto pool = find_threads(site.ctx.runtime(), site.options.pool);
  if (pool == nullptr)
    throw start_failed(site.options.pool.empty()
                           ? "offload at boundary::thread needs threads, " +
                                 why_no_pool(site.ctx, "workit::threads({.threads = 2})")
                           : "offload: this runtime has no pool of threads called \"" + site.options.pool + "\"");
  return std::make_shared<thread_call>(site, std::move(pool));
}

}  // namespace workit::detail
