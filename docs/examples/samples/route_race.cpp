// The handler of a route: the first provider to answer is the response, and the other one is not left running.
#include <workit/workit.hpp>

#include "receipt.hpp"
using namespace std::chrono_literals;

struct response {
  int status = 200;
  std::string body{};
};

int slow_calls_running = 0;

std::string slow_provider(workit::context& ctx) {
  ++slow_calls_running;
  ctx.defer([] { --slow_calls_running; });
  ctx.sleep_for(1min);
  return "slow-provider";
}

std::string fast_provider(workit::context& ctx) {
  ctx.yield();
  return "fast-provider";
}

response get_answer(workit::scope& request) try {
  return {.body = workit::race(slow_provider, fast_provider)(request)};
} catch (const workit::timed_out&) {
  return {.status = 504};
} catch (const std::exception& e) {
  return {.status = 502, .body = e.what()};
}

int main() {
  workit::runtime rt;
  const auto answer = rt.run({.name = "GET /answer", .deadline = 30s}, get_answer);
  sample::print({{"status", answer.status}, {"provider", answer.body}, {"still_running", slow_calls_running}});
}
