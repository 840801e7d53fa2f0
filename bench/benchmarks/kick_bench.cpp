// Kicks without a runtime around them: to the last instruction of what was kicked, and on to the next task there.
#include <workit/preempt/stoppable_thread.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"
#include "measure/kicks.hpp"
#include "measure/victims.hpp"

namespace workit::bench {

void add_kicks() {
  const char* const floor = "floor/signal_to_handler";
  measured(floor, {{"subject", "floor"}}, {3000, 20000}, [](sink& to, int n) { to.add("", signal_to_handler(n)); });
  for (const auto& v : victims()) {
    if (!v.at_thread || v.spoils) continue;
    measured("kick/" + std::string(v.name),
             {{"subject", "kick"}, {"boundary", "thread"}, {"victim", std::string(v.name)}}, {2000, 20000},
             [=](sink& to, int n) {
               const auto took = kicks(v.name, n);
               to.add("stopped", took.stopped, floor);
               to.add("next", took.next);
             });
  }
}

}  // namespace workit::bench
