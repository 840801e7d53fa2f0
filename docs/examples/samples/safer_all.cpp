// One of three fails: the caller gets that very error, after the other two have ended and cleaned up.
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"
using namespace std::chrono_literals;

struct provider_error : std::runtime_error {
  provider_error(const std::string& what, int c) : runtime_error(what), code(c) {}
  int code;
};

int score(const std::string& trace) { sample::run_away(trace); }

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const sample::trace scored;
  sample::receipt line;
  workit::stop_receipt stop;
  bool finished = false;

  const auto slow = [&](workit::context& ctx) {
    ctx.defer([&] {
      line["slow"] = {{"reason", kind_of(*ctx.why())}, {"finished", finished}};
      line["cleaned_up"] = true;
    });
    ctx.sleep_for(1min);
    finished = true;
    return 1;
  };
  const auto failing = [&](workit::context& ctx) -> int {
    while (!scored.begun()) ctx.sleep_for(1ms);
    ctx.sleep_for(30ms);
    throw provider_error("provider failed", 503);
  };

  workit::runtime rt({}, workit::processes({.workers = 1}));
  rt.run({.name = "page"}, [&](workit::scope& page) {
    try {
      workit::all(slow, failing, workit::offload({}, score, scored.file()))(page);
    } catch (const provider_error& e) {
      line["error"] = e.what();
      line["code"] = e.code;
    }
    line["page_goes_on"] = !page.stopping();
    stop = page.status().stops.at(0).receipt;
  });
  line["score"] = {{"ran", scored.begun()},
                   {"runs_on", scored.moves()},
                   {"method", to_string(stop.method)},
                   {"reason", kind_of(stop.why)}};
  sample::print(line);
}
