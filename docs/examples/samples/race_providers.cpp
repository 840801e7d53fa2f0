// Four providers race. Every loser hears why, has cleaned up, or, behind the boundary, is dead when race returns.
#include <map>
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"
using namespace std::chrono_literals;

std::string local_model(const std::string& trace) { sample::run_away(trace); }

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const sample::trace local;
  std::map<std::string, std::string> lost;
  std::vector<workit::scope_receipt::stop> stops;

  const auto remote = [&](std::string name, workit::duration takes) {
    return [&lost, name, takes](workit::context& ctx) {
      ctx.defer([&] {
        if (const auto* why = ctx.why()) lost[name] = kind_of(*why);
      });
      ctx.sleep_for(takes);
      return name;
    };
  };
  // Answers 10 ms after the local model has begun, so that there is something to stop.
  const auto anthropic = [&](workit::context& ctx) {
    while (!local.begun()) ctx.sleep_for(1ms);
    return remote("anthropic", 10ms)(ctx);
  };

  workit::runtime rt({}, workit::processes({.workers = 1}));
  const auto began = std::chrono::steady_clock::now();
  const auto winner = rt.run({.name = "ask"}, [&](workit::scope& s) {
    const auto first = workit::race(anthropic, remote("gemini", 50s), remote("openai", 80s),
                                    workit::offload({}, local_model, local.file()))(s);
    stops = s.status().stops;
    return first;
  });
  const auto took_ms = sample::ms(std::chrono::steady_clock::now() - began);

  const auto& killed = stops.at(0).receipt;
  sample::print({{"winner", winner},
                 {"lost", lost},
                 {"local",
                  {{"ran", local.begun()},
                   {"runs_on", local.moves()},
                   {"method", to_string(killed.method)},
                   {"reason", kind_of(killed.why)}}},
                 {"took_ms", took_ms}});
}
