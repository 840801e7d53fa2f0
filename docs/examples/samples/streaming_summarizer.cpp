// Summaries in the order in which they are ready, five documents at a time; the reader has enough after twelve.
#include <map>
#include <sstream>
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"
using namespace std::chrono_literals;

// In a worker: the sentence whose words are the most frequent ones of the text.
std::string summarize(const std::string& text) {
  std::map<std::string, int> count;
  std::istringstream words(text);
  for (std::string word; words >> word;) ++count[word];
  std::string best, sentence;
  double highest = -1;
  for (std::istringstream sentences(text); std::getline(sentences, sentence, '.');) {
    std::istringstream in(sentence);
    double sum = 0, n = 0;
    for (std::string word; in >> word; ++n) sum += count[word];
    if (n > 0 && sum / n > highest) highest = sum / n, best = sentence;
  }
  return best;
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  int produced = 0, attempts = 0;
  sample::gauge active;
  std::vector<std::string> summaries;

  workit::runtime rt({}, workit::processes({.workers = 2}));
  rt.run({.name = "digest"}, [&](workit::scope& s) {
    auto documents = [&]() -> std::optional<std::string> {
      if (produced == 50) return std::nullopt;
      return "scopes own tasks and tasks end. threads do as they like. number " + std::to_string(produced++);
    };
    auto stream = workit::work(documents)
                      .in_parallel(5)
                      .retry({.times = 2, .initial_delay = 1ms})
                      .timeout(20s)
                      .map([&](workit::context& ctx, const std::string& text) {
                        const sample::gauge::entry at_work(active);
                        if (++attempts == 1) throw std::runtime_error("the first one of all fails once");
                        return workit::offload({}, summarize, text)(ctx);
                      })
                      .stream(s);
    for (auto& summary : stream) {
      summaries.push_back(std::move(summary));
      if (summaries.size() == 12) break;
    }
  });

  sample::print({{"summaries", summaries.size()},
                 {"last", summaries.back()},
                 {"produced", produced},
                 {"max_active", active.most()},
                 {"active", active.now()}});
}
