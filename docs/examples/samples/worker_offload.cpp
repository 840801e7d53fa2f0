// Calls in worker processes: two at once on two of them, then ten thousand that reuse the same two.
#include <unistd.h>

#include <algorithm>
#include <set>
#include <workit/workit.hpp>

#include "receipt.hpp"

std::int64_t fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

struct answer {
  std::int64_t value = 0;
  pid_t worker = 0;
};
template <>
struct workit::wire<answer> {
  static void write(wire_writer& to, const answer& a) { to.write(a.value), to.write(a.worker); }
  static answer read(wire_reader& from) { return {from.read<std::int64_t>(), from.read<pid_t>()}; }
};

answer compute(int n) { return {fibonacci(n), getpid()}; }

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 2, .spares = 0}));
  rt.run({.name = "offload"}, [](workit::scope& s) {
    std::vector both{workit::offload({}, compute, 20), workit::offload({}, compute, 21)};
    const auto answers = workit::pool(2, std::move(both))(s);

    constexpr std::size_t calls = 10'000;
    std::set<pid_t> workers{answers[0].worker, answers[1].worker};
    std::vector<workit::duration> took(calls);
    auto trivial = workit::offload({}, compute, 1);
    for (auto& t : took) {
      const auto began = s.now();
      workers.insert(trivial(s).worker);
      t = s.now() - began;
    }
    std::nth_element(took.begin(), took.begin() + calls / 2, took.end());

    sample::print({{"values", {answers[0].value, answers[1].value}},
                   {"on_two_workers", answers[0].worker != answers[1].worker},
                   {"in_the_host", workers.contains(getpid())},
                   {"calls", calls},
                   {"workers", workers.size()},
                   {"p50_us", sample::ms(took[calls / 2]) * 1000}});
  });
}
