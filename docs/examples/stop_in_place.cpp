#include <cstdio>
#include <memory_resource>
#include <workit/workit.hpp>
using namespace std::chrono_literals;

// Scores until it is stopped: it never looks at a stop token.
double score(workit::worker_context& ctx, int documents) {
  std::pmr::vector<double> kept(static_cast<std::size_t>(documents), 1.0, &ctx.memory());  // goes with the task
  ctx.defer([] { std::puts("cleanup runs on the thread, after the stop"); });
  volatile double sum = 0;
  for (;;) sum = kept.front() + sum;
}

int main() {
  workit::runtime rt({}, workit::threads({.threads = 1}));  // needs no worker image: there are no processes

  const auto print = [](const workit::scope_receipt& r) { std::puts(to_json(r).c_str()); };
  try {
    rt.run({.name = "request", .deadline = 50ms, .on_receipt = print}, [](workit::scope& request) {
      request.spawn({.name = "score"}, workit::offload({.boundary = workit::boundary::thread}, score, 1000)).get();
    });
  } catch (const workit::timed_out& e) {
    std::puts(e.what());
  }
  // The same thread runs the next task.
  rt.run([](workit::scope& s) {
    std::printf("%d\n", workit::offload({.boundary = workit::boundary::thread}, [] { return 42; })(s));
  });
  return workit::leave(rt.shutdown(), 0);  // by _exit, if a task runs on
}
