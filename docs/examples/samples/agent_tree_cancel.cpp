// An agent with four tools at work is cancelled: three wait, the fourth is a loop that looks at no stop token.
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"
using namespace std::chrono_literals;

int crawl(const std::string& trace) { sample::run_away(trace); }

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const sample::trace crawled;
  std::vector<workit::task<void>> tools;
  std::optional<workit::task<int>> crawler;
  int cleanups = 0;
  workit::time_point cancelled_at;

  workit::runtime rt({}, workit::processes({.workers = 1}));
  try {
    rt.run({.name = "agent"}, [&](workit::scope& agent) {
      for (const auto* name : {"search", "calendar", "mail"})
        tools.push_back(agent.spawn({.name = name, .kind = workit::task_kind::tool}, [&](workit::context& ctx) {
          ctx.defer([&] { ++cleanups; });
          ctx.sleep_for(1min);
        }));
      crawler =
          agent.spawn({.name = "crawl", .kind = workit::task_kind::tool}, workit::offload({}, crawl, crawled.file()));
      while (!crawled.begun()) agent.sleep_for(1ms);
      agent.sleep_for(5ms);
      cancelled_at = agent.now();
      agent.cancel("user_stopped_agent");
    });
  } catch (const workit::scope_cancelled&) {  // what we asked for
  }
  const auto closed_ms = sample::ms(std::chrono::steady_clock::now() - cancelled_at);

  auto reasons = sample::receipt::array();
  for (auto& tool : tools) reasons.push_back(describe(tool.result().why()));
  const auto stop = crawler->receipt().stops.at(0);
  sample::print({{"tools", reasons},
                 {"cleanups", cleanups},
                 {"crawler",
                  {{"ran", crawled.begun()},
                   {"runs_on", crawled.moves()},
                   {"method", to_string(stop.method)},
                   {"reason", describe(stop.why)}}},
                 {"closed_ms", closed_ms}});
}
