// An agent may call three tools and asks for six: the fourth is refused before it does anything, and the agent ends.
#include <map>
#include <workit/base/event.hpp>
#include <workit/workit.hpp>

#include "receipt.hpp"

inline const workit::budget_key tool_calls{"tool_calls", {.unit = "calls"}};

int main() {
  const std::vector<std::string> requested{"search", "read", "search", "read", "search", "answer"};
  sample::receipt line{{"requested", requested.size()}};
  std::map<std::string, int> told;
  std::string last;
  int bodies = 0;

  const auto agent = [&](workit::context& ctx) {
    ctx.scope({.name = "loop", .budgets = {{tool_calls, 3}}}, [&](workit::scope& loop) {
      loop.defer([&] { line["spent"] = loop.budget(tool_calls)->spent.in_units(0); });
      for (const auto& name : requested)
        loop.spawn({.name = name, .kind = workit::task_kind::tool},
                   [&](workit::context& tool) {
                     tool.consume(tool_calls, 1);
                     ++bodies;
                   })
            .get();
    });
  };

  workit::runtime rt;
  try {
    rt.run({.name = "session"}, [&](workit::scope& session) {
      session
          .on_event([&](const workit::lifecycle_event& e) {
            const auto kind = std::string(kind_of(e));
            if (!kind.starts_with("task_")) return;
            last = std::string(e.name) + ": " + kind;
            if (e.name != "agent") ++told[kind];
          })
          .keep();
      session.spawn({.name = "agent", .kind = workit::task_kind::llm}, agent);
    });
  } catch (const workit::budget_exceeded& e) {
    line["refused"] = {{"budget", e.key()}, {"limit", e.limit().in_units(0)}, {"would_be", e.spent().in_units(0)}};
  }
  line["bodies"] = bodies;
  line["tools_told"] = told;
  line["last_told"] = last;
  sample::print(line);
}
