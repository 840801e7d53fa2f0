// An agent's tools are paid for, written down, and stopped with it: one of them runs away in a worker and is killed.
#include <workit/agent/agent.hpp>
#include <workit/workit.hpp>

#include "receipt.hpp"
#include "runaway.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const sample::trace trace;
  sample::receipt line;
  const workit::agent_log log;

  auto research = workit::agent_scope(
      {.name = "research", .budgets = {{workit::agent_tool_calls, 3}, {workit::agent_tokens, 1000}}, .log = log},
      [&](workit::scope& s, const workit::agent& agent) {
        s.defer([&] { line["tokens"] = s.budget(workit::agent_tokens)->spent.in_units(0); });
        const auto pages = agent.tool({.name = "search", .tokens = 50}, [](workit::context& ctx) {
          ctx.sleep_for(1ms);
          return 3;
        })(s);
        line["pages"] = pages;

        // A call is a task function: it can be spawned, cancelled, raced, retried.
        auto crawl = s.spawn({.background = true}, agent.tool({.name = "crawl", .tokens = 25},
                                                              workit::offload({}, sample::run_away, trace.file())));
        while (!trace.begun()) s.sleep_for(1ms);
        crawl.cancel("enough");
        crawl.wait();
        line["crawl_runs_on"] = trace.moves();

        agent.tool({.name = "read"}, [] {})(s);
        agent.tool({.name = "answer"}, [] {})(s);  // the fourth of three
      });

  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 1}));
  try {
    rt.run(research);
  } catch (const workit::budget_exceeded& e) {
    line["refused"] = e.key();
  }
  for (const auto& e : log.all()) {
    auto step = std::to_string(e.seq) + ' ' + std::string(to_string(e.what));
    if (!e.tool.empty()) step += ' ' + e.tool;
    if (e.stop) step += ", " + std::string(to_string(e.stop->method)) + ", " + describe(e.stop->why);
    line["steps"].push_back(step);
  }
  sample::print(line);
}
