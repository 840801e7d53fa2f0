// A batch that the provider refuses is halved until the one bad document stands alone; the good ones are embedded.
#include <span>
#include <workit/workit.hpp>

#include "receipt.hpp"

inline const workit::budget_key tokens{"tokens", {.unit = "tokens"}};

using document = std::string;
using vector = std::vector<float>;

struct bad_batch : std::runtime_error {
  using runtime_error::runtime_error;
};

// The provider: takes a batch or refuses it whole, and does not say for which document.
struct provider {
  std::vector<std::size_t> calls{};

  std::vector<vector> embed(std::span<const document> batch) {
    calls.push_back(batch.size());
    std::vector<vector> made;
    for (const auto& text : batch) {
      if (text.starts_with("bad")) throw bad_batch("400 invalid input");
      made.push_back({static_cast<float>(text.size())});
    }
    return made;
  }
};

struct embedded {
  std::vector<vector> vectors{};
  std::vector<std::size_t> refused{};  ///< indices
};

// `first` is the index of the batch's first document. Halves before it gives up on a document.
void bisect(workit::context& ctx, provider& from, std::span<const document> batch, std::size_t first, embedded& into) {
  ctx.check();
  try {
    for (auto& v : from.embed(batch)) into.vectors.push_back(std::move(v));
  } catch (const bad_batch&) {
    if (batch.size() == 1) return into.refused.push_back(first);
    const auto half = (batch.size() + 1) / 2;
    bisect(ctx, from, batch.first(half), first, into);
    bisect(ctx, from, batch.subspan(half), first + half, into);
  }
}

int main() {
  const std::vector<document> documents{"alpha", "bad-doc", "gamma"};
  provider remote;

  workit::runtime rt;
  rt.run({.name = "embed", .budgets = {{tokens, 1000}}}, [&](workit::scope& s) {
    for (const auto& text : documents) s.consume(tokens, text.size());  // once, however often a batch is halved
    embedded all;
    bisect(s, remote, documents, 0, all);
    sample::print({{"vectors", all.vectors},
                   {"refused", all.refused},
                   {"calls", remote.calls},
                   {"tokens", s.budget(tokens)->spent.in_units(0)}});
  });
}
