// What takes longer to start than it may: a zygote in its preload, a worker in its worker_init.
#include <algorithm>
#include <workit/base/detail/duration_text.hpp>

#include "pool_core.hpp"

namespace workit::workers {

void pool_core::on_overdue_timer() {
  struct late_zygote {
    group from;
    std::string why;
  };
  std::vector<late_zygote> zygotes;
  deferred_actions todo;
  {
    const thread_lock guard(mutex_);
    if (!overdue_.take_fired()) return;
    overdue_.expired();
    const auto now = std::chrono::steady_clock::now();
    deadline_point next;
    std::vector<handle> workers;
    for (const auto& g : zygotes_.all()) {
      if (g->ready || !g->link || g->dismissed) continue;
      if (g->ready_by.passed(now))
        zygotes.push_back({g, why_overdue(*g)});
      else
        next = std::min(next, g->ready_by);
    }
    for (const auto& [number, worker] : workers_) {
      if (worker->state != worker_state::preparing || worker->is_ready()) continue;
      if (worker->ready_by.passed(now))
        workers.push_back(worker);
      else
        next = std::min(next, worker->ready_by);
    }
    if (!next.is_never()) overdue_.set_at_latest(next.at());
    for (const auto& worker : workers) worker_overdue(worker, todo);
  }
  run(std::move(todo));
  for (const auto& [from, why] : zygotes) abandon_zygote(from, why);
}

std::string pool_core::why_overdue(const zygote_group& zygote) const {
  const auto limit = workit::detail::in_ms(options_.preload_timeout);
  if (!zygote.begun)
    return "did not reach workit::init within " + limit +
           ": a static object's constructor waits, or reads much; raise process_options::preload_timeout if it has to";
  if (options_.preload == nullptr) return "was not ready within " + limit + " (process_options::preload_timeout)";
  return "was killed since its preload, " + preload_name_ + ", had not returned after " + limit +
         ": let it do less, or raise process_options::preload_timeout";
}

void pool_core::worker_overdue(const handle& worker, deferred_actions& todo) {
  auto sentence = "worker_init of pool \"" + options_.name + "\", " + worker_init_name_ + ", had not returned after " +
                  workit::detail::in_ms(options_.worker_init_timeout) +
                  ", and its worker was killed: let it do less, or raise process_options::worker_init_timeout";
  const auto from = worker->from;
  lose(worker);
  todo.kill(worker);
  if (zygotes_.is_next(*from)) give_up(*from, sentence);
  if (!zygotes_.is_serving(*from)) return;
  start_failures_.failed();
  trouble_ = std::move(sentence);
  back_off(todo);
}

}  // namespace workit::workers
