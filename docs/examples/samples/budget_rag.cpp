// A retrieval-augmented answer on a budget: whatever is started pays first, a hedged attempt too.
#include <algorithm>
#include <sstream>
#include <workit/workit.hpp>

#include "receipt.hpp"
using namespace std::chrono_literals;

inline const workit::budget_key credits{"credits"};

const std::vector<std::string> corpus{"callbacks and their errors", "structured concurrency", "a history of threads"};

// How many words of the query are in the text.
auto matches(const std::string& query, const std::string& text) {
  std::istringstream words(query);
  return std::count_if(std::istream_iterator<std::string>(words), {},
                       [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

std::string best_match(const std::string& query) {
  return *std::max_element(corpus.begin(), corpus.end(), [&](const std::string& a, const std::string& b) {
    return matches(query, a) < matches(query, b);
  });
}

struct found {
  std::string by, text;
};

int main() {
  std::string answer;
  sample::receipt audit;
  workit::budget_state left;

  workit::runtime rt;
  rt.run({.name = "rag", .budgets = {{credits, 10}}}, [&](workit::scope& s) {
    // Both before anything else: the question rewritten, and the caller's rights.
    const auto [query, allowed] = workit::all(
        [](workit::context& ctx) {
          ctx.consume(credits, 1);
          return std::string("structured concurrency with scopes");
        },
        [](workit::context& ctx) {
          ctx.consume(credits, 2);
          return true;
        })(s);

    // Whichever index answers first; the other one is stopped.
    const auto hit = workit::race(
        [&, query = query] {
          return found{"keyword", best_match(query)};
        },
        [](workit::context& ctx) {
          ctx.sleep_for(1min);
          return found{"vector", ""};
        })(s);

    // The first attempt hangs. Its hedge is paid for as well.
    int attempt = 0;
    const auto checked = workit::hedge({.after = 5ms, .max = 2}, [&](workit::context& ctx) {
      ctx.consume(credits, 1);
      if (++attempt == 1) ctx.sleep_for(1min);
      return hit.text;
    })(s);

    // Only the scope waits for the audit. It outlives this body, so it owns what it needs of its variables.
    s.spawn({.name = "audit", .background = true}, [&audit, allowed = allowed, index = hit.by](workit::context& ctx) {
      ctx.sleep_for(20ms);
      audit = {{"allowed", allowed}, {"index", index}};
    });

    s.consume(credits, 3);
    answer = "answer:" + hit.by + ":" + checked;
    left = *s.budget(credits);
  });

  sample::print(
      {{"answer", answer}, {"spent", left.spent.in_units(0)}, {"limit", left.limit.in_units(0)}, {"audit", audit}});
}
