#include <cstdio>
#include <workit/workit.hpp>
using namespace std::chrono_literals;

struct row {
  int id;
  int effort;
};

// Scores a row in a worker process; with this much effort it does not come back.
int score(int effort) {
  for (volatile bool runaway = effort > 9000; runaway;) {
  }
  return effort * 10;
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 2, .spares = 2}));
  const auto print = [](const workit::scope_receipt& r) { std::puts(to_json(r).c_str()); };

  rt.run({.name = "import", .on_receipt = print}, [](workit::scope& s) {
    // A source that never ends; the loop takes three. What is under way is stopped, the source is destroyed.
    auto rows = [id = 0]() mutable -> std::optional<row> { return row{id, id++}; };
    int taken = 0;
    for ([[maybe_unused]] const int value : workit::work(rows)
                                                .in_parallel(2)
                                                .filter([](const row& r) { return r.id != 1; })
                                                .map([](const row& r) { return workit::offload({}, score, r.effort); })
                                                .stream(s))
      if (++taken == 3) break;
    std::printf("%d values\n", taken);

    // The second row runs away: it is killed when its time is over, and accounted for.
    std::vector<row> few{{0, 1}, {1, 9001}, {2, 3}};
    const auto job =
        workit::work(few).in_parallel(2).timeout(50ms).on_error(workit::on_error::continue_).for_each([](const row& r) {
          return workit::offload({}, score, r.effort);
        });
    const auto done = workit::timeout(10s, job)(s);
    std::printf("%zu scored, row %d failed\n", done.results.size(), done.errors.at(0).item.id);
  });
}
