// A program as a user writes it: designated options, a scope, tasks, a deadline, an awaited timer.
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

using namespace std::chrono_literals;

int main() {
  workit::runtime rt({.io_threads = 1});
  const int sum = rt.run({.name = "page", .deadline = 1h}, [](workit::scope& page) {
    page.defer([] {});
    auto one = page.spawn({.name = "one"}, [](workit::context& ctx) {
      boost::asio::steady_timer timer(workit::executor(ctx), 1ms);
      timer.async_wait(workit::use_fiber);
      return 1;
    });
    auto two = page.spawn({.name = "two", .kind = workit::task_kind::tool}, [] { return 2; });
    return one.get() + two.get();
  });
  std::printf("%d\n", sum);
  return sum == 3 ? 0 : 1;
}
