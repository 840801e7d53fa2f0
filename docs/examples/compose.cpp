#include <cstdio>
#include <workit/workit.hpp>
using namespace std::chrono_literals;

inline const workit::budget_key tokens{"tokens"};

// Scores a document in a worker process; with this much effort it does not come back.
int score(int effort) {
  for (volatile bool runaway = effort > 9000; runaway;) {
  }
  return effort;
}

std::string ask(workit::context& ctx, const char* provider, workit::duration takes) {
  ctx.consume(tokens, 10);  // all or nothing; an overrun cancels the scope that owns the budget
  ctx.sleep_for(takes);
  return provider;
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 2, .spares = 1}));
  const auto print = [](const workit::scope_receipt& r) { std::puts(to_json(r).c_str()); };

  rt.run({.name = "answer", .budgets = {{tokens, 100}}, .on_receipt = print}, [](workit::scope& s) {
    // The first to answer wins. The loser ignores every stop token, and is dead when race returns.
    auto cached = [](workit::context& ctx) {
      ctx.sleep_for(20ms);
      return 7;
    };
    std::printf("score %d\n", workit::race(cached, workit::offload({}, score, 9001))(s));

    // Three attempts of at most 5 ms each, then the other provider. What ran out of time has ended.
    auto patient = workit::retry({.times = 3, .initial_delay = 1ms},
                                 workit::timeout(5ms, [](workit::context& ctx) { return ask(ctx, "first", 1h); }));
    auto answer = workit::fallback(patient, [](workit::context& ctx) { return ask(ctx, "second", 1ms); });
    std::printf("answered by the %s provider\n", answer(s).c_str());

    workit::channel<int> words({.capacity = 2});
    s.spawn({.name = "producer"}, [words](workit::context& ctx) mutable {
      for (int i = 1; i <= 3; ++i) words.send(i);
      words.close();
      ctx.sleep_for(5ms);
    });
    for (const int word : words) std::printf("word %d\n", word);

    std::printf("%s\n", render_tree(s.status(), {.durations = false}).c_str());
  });
}
