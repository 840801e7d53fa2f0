// process_pool: checks the options and owns the core, which callbacks may keep alive a little longer.
#include <workit/workers/process_pool.hpp>

#include <limits>
#include <workit/base/default_concurrency.hpp>
#include <workit/base/errors.hpp>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

constexpr std::size_t most_processes = 1024;
constexpr std::size_t most_loops = most_descriptors - 3;  // beside the host-life mutex, the ready event and the start
constexpr std::size_t longest_name = 64;

process_options checked(process_options options, std::size_t loops) {
  const auto refuse = [&](const std::string& why) {
    throw start_failed("process pool \"" + options.name.substr(0, longest_name) + "\": " + why);
  };
  if (options.name.empty()) refuse("a pool needs a name");
  if (options.name.size() > longest_name) refuse("a pool's name has at most 64 characters");
  if (options.workers > most_processes) refuse("more than 1024 workers would not run, only swap");
  if (options.spares > most_processes) refuse("more than 1024 spares would only hold memory");
  if (loops == 0) refuse("a pool needs at least one descriptor to report results to");
  if (loops > most_loops) refuse("results can be reported to 199 descriptors at most");
  if (const auto complaint = complaint_about(options.limits)) refuse(*complaint);
  if (const auto complaint = complaint_about(options.cgroup)) refuse(*complaint);
  if (options.sandbox != sandbox::none)
    if (const auto missing = missing_for_sandbox(); !missing.empty())
      refuse("sandbox::compute_only cannot be had: " + missing);
  if (options.workers == 0) options.workers = default_concurrency();
  if (options.min_workers > options.workers) refuse("min_workers is more than workers");
  if (options.idle_shrink && *options.idle_shrink <= duration::zero()) refuse("idle_shrink has to be more than zero");
  if (options.zygote_timeout < std::chrono::milliseconds(10)) refuse("zygote_timeout has to be 10 ms at least");
  if (options.preload_timeout <= duration::zero()) refuse("preload_timeout has to be more than zero");
  if (options.worker_init_timeout <= duration::zero()) refuse("worker_init_timeout has to be more than zero");
  if (options.when_full == when_full::refuse && options.queue_limit == std::numeric_limits<std::size_t>::max())
    refuse("when_full::refuse needs a queue_limit");
  return options;
}

}  // namespace

process_pool::process_pool(process_options options, preempt::warden& warden, std::vector<int> loop_events,
                           wake_loop wake) {
  auto valid = checked(std::move(options), loop_events.size());
  core_ = std::make_shared<pool_core>(std::move(valid), warden, std::move(loop_events), std::move(wake));
}

process_pool::~process_pool() { stop(); }

void process_pool::start() { core_->start(); }
void process_pool::submit(std::shared_ptr<job> task) { core_->submit(std::move(task)); }
void process_pool::collect(std::size_t loop) { core_->collect(loop); }
const std::string& process_pool::name() const noexcept { return core_->name(); }
process_limits process_pool::limits() const { return core_->limits(); }
pool_status process_pool::status() const { return core_->status(); }
bool process_pool::drain(deadline_point until) { return core_->drain(until); }
void process_pool::reload(deadline_point until) { core_->reload(until); }
shutdown_report process_pool::stop(shutdown_options how) noexcept { return core_->stop(how); }

}  // namespace workit::workers
