// Twenty-five rows of a billion: nothing is read without room for it, and leaving the loop ends what is under way.
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"
using namespace std::chrono_literals;

// A cursor over the rows, closed by its destruction.
struct cursor {
  int& produced;
  std::shared_ptr<void> open;
  long next = 0;

  std::optional<long> operator()() {
    if (next == 1'000'000'000) return std::nullopt;
    ++produced;
    return next++;
  }
};

long parse(long row) { return row % 7; }

// Takes 25 values of what the stage makes of the rows, and says what that took.
template <class Stage>
sample::receipt take_some(workit::context& ctx, Stage stage) {
  int produced = 0, consumed = 0;
  bool closed = false;
  sample::gauge active;
  {
    cursor rows{produced, {nullptr, [&](void*) { closed = true; }}};
    auto values = workit::work(std::move(rows))
                      .in_parallel(16)
                      .map([&](workit::context& item, long row) {
                        const sample::gauge::entry at_work(active);
                        return stage(item, row);
                      })
                      .stream(ctx);
    for ([[maybe_unused]] const long value : values)
      if (++consumed == 25) break;
  }
  return {{"consumed", consumed},
          {"produced", produced},
          {"max_active", active.most()},
          {"active", active.now()},
          {"source_closed", closed}};
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 2}));
  rt.run({.name = "page"}, [](workit::scope& page) {
    const auto in_fibers = [](workit::context& ctx, long row) {
      ctx.sleep_for(1ms);
      return parse(row);
    };
    const auto in_workers = [](workit::context& ctx, long row) { return workit::offload({}, parse, row)(ctx); };
    const auto fibers = take_some(page, in_fibers);
    sample::print({{"fibers", fibers}, {"workers", take_some(page, in_workers)}});
  });
}
