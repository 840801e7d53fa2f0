// A hundred thousand documents embedded, 32 at a time and a token each, while only a handful of them exist at once.
#include <array>
#include <functional>
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"

inline const workit::budget_key tokens{"tokens", {.unit = "tokens"}};

constexpr int documents = 100'000;

using vector8 = std::array<float, 8>;

// The hashing trick: every word adds to the dimension that its hash names.
vector8 embed(const std::string& text) {
  vector8 v{};
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    v[std::hash<std::string_view>{}(std::string_view(text).substr(at, end - at)) % v.size()] += 1;
    at = end + 1;
  }
  return v;
}

int main() {
  sample::gauge active;
  std::size_t records = 0;

  workit::runtime rt;
  rt.run({.name = "embed", .budgets = {{tokens, documents}}}, [&](workit::scope& s) {
    const auto next_document = [n = 0]() mutable -> std::optional<std::string> {
      if (n == documents) return std::nullopt;
      return "document number " + std::to_string(n++);
    };
    const auto began = s.now();
    const auto vectors =
        workit::work(next_document).in_parallel(32).for_each([&](workit::context& ctx, const std::string& text) {
          const sample::gauge::entry at_work(active);
          ctx.consume(tokens, 1);
          ctx.yield();
          if (text.ends_with(" 50000")) records = workit::current_scope()->status().tasks.size();
          return embed(text);
        })(s);
    const auto took_ms = sample::ms(s.now() - began);

    sample::print({{"results", vectors.size()},
                   {"spent", s.budget(tokens)->spent.in_units(0)},
                   {"max_active", active.most()},
                   {"records", records},
                   {"took_ms", took_ms}});
  });
}
