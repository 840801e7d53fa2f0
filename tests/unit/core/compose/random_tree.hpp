// Random trees of composables, whose leaves keep account of what became of them.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string_view>

#include "branches.hpp"

namespace workit::test {

using namespace std::chrono_literals;

/// What the bodies of one tree have done. Those below a shield are not asked when they begin: they may go on.
struct tree_account {
  bool cancelled = false;  ///< the tree was told to stop
  int begun = 0;
  int settled = 0;  ///< by a value, an error of theirs, or a reason that a tree can give
  int live = 0;     ///< bodies and their cleanups
  int late = 0;     ///< begun outside of shields after the cancellation
  int over_limit = 0;
  int resources = 0;  ///< acquired and not released
};

/// Makes trees over every composable, at most so deep as it is asked for.
class random_trees {
 public:
  using function = std::function<int(context&)>;

  explicit random_trees(std::uint64_t seed) : random_(seed) {}

  tree_account seen;

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  duration some_time() { return std::chrono::milliseconds(1 + draw(100)); }

  /// A new tree, with an account of its own.
  function tree(int depth) {
    seen = {};
    breaker_ = circuit_breaker({.failure_threshold = 1 + draw(3), .reset_after = some_time()});
    return node(depth, false);
  }

 private:
  /// A body that lives for a while; here and there one fails, gives up by itself, cleans up slowly or spawns.
  function leaf(bool shielded) {
    const auto takes = some_time(), cleanup = some_time();
    const auto end = draw(9);  // 0 to 2: fails; 3: gives up
    const bool cleans = draw(3) == 0, spawns = draw(4) == 0;
    return [=, this](context& ctx) {
      begin(shielded);
      ctx.defer([=, this](context& c) {
        if (cleans) c.sleep_for(cleanup);
        --seen.live;
      });
      if (spawns)
        background(ctx, [this, takes](context& c) {
          ++seen.live;
          c.defer([this] { --seen.live; });
          c.sleep_for(takes);
        });
      try {
        ctx.sleep_for(takes);
        if (end == 3) {
          ctx.node().cell->request(reason::user{"gave up"});
          ctx.check();
        }
      } catch (const cancelled& c) {
        seen.settled += can_be(kind_of(c.why()));
        throw;
      }
      ++seen.settled;
      if (end < 3) throw std::runtime_error("leaf");
      return 1;
    };
  }

  void begin(bool shielded) {
    ++seen.begun;
    ++seen.live;
    if (seen.cancelled && !shielded) ++seen.late;
  }

  static bool can_be(std::string_view kind) {
    static const std::set<std::string_view> kinds{"race_lost",     "sibling_failed", "timeout",     "deadline",
                                                  "parent_failed", "manual",         "scope_ended", "user"};
    return kinds.contains(kind);
  }

  std::vector<function> some(int depth, bool shielded) {
    std::vector<function> parts;
    for (auto n = 1 + draw(3); n > 0; --n) parts.push_back(node(depth - 1, shielded));
    return parts;
  }

  static int sum(const std::vector<int>& parts) {
    int total = 0;
    for (const int p : parts) total += p;
    return total;
  }

  /// A pool that counts how many of its items are active.
  function counted_pool(std::vector<function> parts) {
    const auto limit = 1 + draw(3);
    return [this, limit, parts = std::move(parts)](context& ctx) {
      std::size_t active = 0;
      std::vector<function> counted;
      for (const auto& part : parts)
        counted.emplace_back([&](context& c) {
          if (++active > limit) ++seen.over_limit;
          c.defer([&] { --active; });
          return part(c);
        });
      return sum(pool(limit, std::move(counted))(ctx));
    };
  }

  function node(int depth, bool shielded) {
    if (depth == 0 || draw(8) == 0) return leaf(shielded);
    const auto below = [&] { return node(depth - 1, shielded); };
    switch (draw(16)) {
      case 0:
        return [f = all(some(depth, shielded))](context& c) mutable { return sum(f(c)); };
      case 1:
        return [f = all(below(), below())](context& c) mutable { return std::get<0>(f(c)); };
      case 2:
        return [f = all_settled(some(depth, shielded))](context& c) mutable { return static_cast<int>(f(c).size()); };
      case 3:
        return race(some(depth, shielded));
      case 4:
        return any(some(depth, shielded));
      case 5:
        return [f = series(some(depth, shielded))](context& c) mutable { return sum(f(c)); };
      case 6:
        return counted_pool(some(depth, shielded));
      case 7:
        return timeout(some_time(), below());
      case 8:
        return [f = below(), in = some_time()](context& c) { return deadline_at(c.now() + in, f)(c); };
      case 9:
        return retry({.times = 1 + draw(3), .initial_delay = some_time(), .seed = draw(1000)}, below());
      case 10:
        return hedge({.after = some_time(), .max = 1 + draw(3)}, below());
      case 11:
        return fallback(below(), below());
      case 12:
        return bracket([this] { return ++seen.resources; }, [f = below()](context& c, int&) { return f(c); },
                       [this](int&) { --seen.resources; });
      case 13:
        return breaker_.guard(below());
      case 14:
        return supervise({.max_restarts = 1 + draw(3), .initial_delay = some_time()}, below());
      default:
        return uncancellable(some_time(), node(depth - 1, true));
    }
  }

  std::mt19937_64 random_;
  circuit_breaker breaker_;
};

}  // namespace workit::test
