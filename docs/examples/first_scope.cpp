#include <cstdio>
#include <workit/workit.hpp>
using namespace std::chrono_literals;

// A reranker that knows nothing of stop tokens, and this query sends it round for ever.
std::vector<float> rerank(const std::string& query, const std::vector<std::string>& documents) {
  std::vector<float> scores(documents.size());
  for (volatile bool runaway = query == "poison"; runaway;) {
  }
  return scores;
}

int main(int argc, char** argv) {
  workit::init(argc, argv);  // a worker process starts here and never returns
  workit::runtime rt({}, workit::processes({.workers = 2, .spares = 1}));

  const auto print = [](const workit::scope_receipt& r) { std::puts(to_json(r).c_str()); };
  try {
    rt.run({.name = "request", .deadline = 250ms, .on_receipt = print}, [](workit::scope& request) {
      request.defer([] { std::puts("cleanup runs, after a kill too"); });
      auto text = request.spawn({.name = "llm"}, [](workit::context& ctx) {
        ctx.sleep_for(10ms);
        return "hello";
      });
      auto ranked =
          request.spawn({.name = "rerank"}, workit::offload({}, rerank, "poison", std::vector<std::string>{"a", "b"}));
      std::printf("%s\n", text.get());
      std::printf("%zu documents\n", ranked.get().size());  // never: the deadline comes first
    });
  } catch (const workit::timed_out& e) {
    std::printf("%s\n", e.what());
  }
}
