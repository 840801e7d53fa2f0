// Two bodies run out of time: one is told so and leaves, the other listens to nothing and is killed.
#include <csignal>
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"
using namespace std::chrono_literals;

// In the worker: blocks every signal that can be blocked, and spins.
int solve(const std::string& trace) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  sample::run_away(trace);
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const sample::trace solved;
  workit::stop_receipt stop;
  sample::receipt line;

  workit::runtime rt({}, workit::processes({.workers = 1}));
  rt.run({.name = "request"}, [&](workit::scope& s) {
    bool finished = false;
    std::string reason;
    const auto waits = [&](workit::context& ctx) {
      ctx.defer([&] { reason = kind_of(*ctx.why()); });
      ctx.sleep_for(1s);
      finished = true;
    };
    try {
      workit::timeout(10ms, waits)(s);
    } catch (const workit::timed_out& e) {
      line["fiber"] = {{"finished", finished}, {"reason", reason}, {"limit_ms", sample::ms(e.limit())}};
    }

    try {
      workit::offload({.timeout = 500ms}, solve, solved.file())(s);
    } catch (const workit::timed_out& e) {
      line["worker"] = {{"limit_ms", sample::ms(e.limit())}};
      stop = s.status().stops.at(0).receipt;
    }
  });
  line["worker"].update({{"ran", solved.begun()},
                         {"runs_on", solved.moves()},
                         {"reason", kind_of(stop.why)},
                         {"method", to_string(stop.method)},
                         {"stop_ms", sample::ms(stop.stopped - stop.requested)}});
  sample::print(line);
}
