// What fails is restarted, a crashed worker process too; a failure that is older than the window is forgiven.
#include <csignal>
#include <fstream>
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"
using namespace std::chrono_literals;

// In the worker: dies of a wild pointer, twice, and then finds its feet.
std::string index_documents(const std::string& trace) {
  sample::trace attempts(trace);
  attempts.step();
  if (attempts.steps() < 3) std::raise(SIGSEGV);
  return "stable";
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::manual_clock clock;  // an hour of sleep passes at once
  workit::runtime rt({.clock = &clock}, workit::processes({.workers = 1}));
  const workit::supervise_options thrice{.max_restarts = 3};
  const workit::supervise_options once{.max_restarts = 1, .window = 60s};
  sample::receipt line;

  rt.run({.name = "services"}, [&](workit::scope& s) {
    int attempts = 0;
    const auto flaky = [&] {
      if (++attempts < 3) throw std::runtime_error("not yet");
      return std::string("stable");
    };
    line["fiber"] = {{"result", workit::supervise(thrice, flaky)(s)}, {"attempts", attempts}};

    const sample::trace attempts_there;
    const auto crashing = workit::offload({}, index_documents, attempts_there.file());
    const auto result = workit::supervise(thrice, crashing)(s);
    line["worker"] = {{"result", result}, {"attempts", attempts_there.steps()}};

    // Two failures, one restart allowed: it holds as long as they are more than a window apart.
    const auto rare = [](workit::duration healthy) {
      return [healthy, attempt = 0](workit::context& ctx) mutable {
        if (++attempt > 2) return "stable";
        ctx.sleep_for(healthy);
        throw std::runtime_error("once in a while");
      };
    };
    line["an_hour_apart"] = workit::supervise(once, rare(1h))(s);
    try {
      line["a_second_apart"] = workit::supervise(once, rare(1s))(s);
    } catch (const std::runtime_error& e) {
      line["a_second_apart"] = e.what();
    }
  });
  line["max_restarts"] = thrice.max_restarts;
  sample::print(line);
}
