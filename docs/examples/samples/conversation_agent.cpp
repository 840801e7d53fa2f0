// One turn of a conversation: two tools, the memory and the stream of tokens under one scope, which ends them in order.
#include <sstream>
#include <workit/workit.hpp>

#include "receipt.hpp"
using namespace std::chrono_literals;

// In a worker: untrusted text is not parsed in the process that serves every client.
int count_words(const std::string& text) {
  std::istringstream words(text);
  return static_cast<int>(std::distance(std::istream_iterator<std::string>(words), {}));
}

std::string weather(workit::context& ctx) {
  ctx.sleep_for(2ms);
  return "mild";
}

std::string recall(workit::context& ctx) {
  ctx.sleep_for(1ms);
  return "Berlin";
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  std::vector<std::string> heard, cleanups;

  workit::runtime rt({}, workit::processes({.workers = 1}));
  rt.run({.name = "turn", .deadline = 30s}, [&](workit::scope& turn) {
    const auto closes = [&](const char* what) { turn.defer([&cleanups, what] { cleanups.emplace_back(what); }); };

    closes("tools");
    auto tools = turn.spawn({.name = "tools", .kind = workit::task_kind::tool},
                            workit::all(weather, workit::offload({}, count_words, "what is it like outside")));
    closes("stream");
    const workit::channel<std::string> tokens({.capacity = 2});
    closes("memory");
    auto memory = turn.spawn({.name = "memory"}, recall);

    turn.spawn({.name = "stream", .kind = workit::task_kind::llm}, [tools, memory, tokens]() mutable {
      const auto place = memory.get();
      const auto [sky, words] = tools.get();
      for (const auto& token : {std::string("It"), std::string("is"), sky, std::string("in"), place, std::string("--"),
                                std::to_string(words), std::string("words")})
        tokens.send(token);
      tokens.close();
    });
    for (auto& token : tokens) heard.push_back(std::move(token));
  });

  sample::print({{"tokens", heard}, {"cleanups", cleanups}});
}
