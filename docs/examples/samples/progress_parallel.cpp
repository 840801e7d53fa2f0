// Sixteen jobs say how far they are: to a hook of the batch, and to any reader of the scope's status.
#include <numeric>
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"
using namespace std::chrono_literals;

int main() {
  std::vector<int> jobs(16);
  std::iota(jobs.begin(), jobs.end(), 0);
  sample::gauge active;
  std::vector<double> told;
  double seen = 0;
  bool drawn = false;

  workit::runtime rt;
  rt.run({.name = "batch"}, [&](workit::scope& s) {
    const auto work_on = [&](workit::context& ctx, int job) {
      const sample::gauge::entry at_work(active);
      for (int quarter = 1; quarter <= 4; ++quarter) {
        ctx.report({.pct = quarter / 4.0, .message = "rows read"});
        ctx.sleep_for(1ms);
        if (job != 7 || quarter != 2) continue;
        const auto now = workit::current_scope()->status();
        for (const auto& task : now.tasks)
          if (task.id == ctx.id()) seen = task.progress.value_or(0);
        drawn = render_tree(now).find("50%") != std::string::npos;
      }
    };
    workit::work(jobs)
        .in_parallel(16)
        .on_progress([&](const workit::item_progress<int>& p) {
          if (p.index == 7) told.push_back(*p.said.pct);
        })
        .for_each(work_on)(s);
  });

  sample::print(
      {{"job_7_told", told}, {"seen_in_status", seen}, {"drawn_in_tree", drawn}, {"max_active", active.most()}});
}
