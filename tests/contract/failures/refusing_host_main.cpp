// A host whose kernel refuses one system call: `refusing_host <number> <errno>`, for all processes and threads from
// before the runtime on. It prints "works", or the sentence of the error by which the runtime or a call ended.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <support/refuse_call.hpp>
#include <workit/workit.hpp>

namespace {

using namespace workit;
using namespace std::chrono_literals;

void spin() {
  for (volatile unsigned n = 0;;) n = n + 1;
}

/// What is wrong with the work of a pool; empty when nothing is.
std::string exercise(scope& s) {
  if (offload(
          {}, [](int a, int b) { return a + b; }, 2, 3)(s) != 5)
    return "a sum is wrong";
  const std::string large(300'000, 'x');
  if (offload(
          {}, [](std::string text) { return text; }, large)(s) != large)
    return "a text is wrong";
  const auto ends_as = [&](auto work) {
    auto ended = s.spawn({.background = true}, std::move(work)).result();
    return ended.has_value() ? "value" : ended.is_cancelled() ? "cancelled" : "error";
  };
  if (ends_as(offload({.timeout = 20ms}, spin)) != std::string("error")) return "a loop is not stopped";
  if (ends_as(offload({}, [] { *static_cast<volatile int*>(nullptr) = 1; })) != std::string("error"))
    return "a crash is not told";
  if (offload(
          {}, [](int a, int b) { return a + b; }, 2, 3)(s) != 5)
    return "the pool does not recover";
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  if (argc != 3 ||
      !test::refuse_call(static_cast<unsigned>(std::atoi(argv[1])), static_cast<unsigned>(std::atoi(argv[2]))))
    return 2;
  std::string said;
  try {
    runtime rt({}, processes({.workers = 2}));
    said = rt.run([](scope& s) { return exercise(s); });
    if (said.empty()) said = "works";
  } catch (const std::exception& e) {
    said = e.what();
  }
  std::printf("%s\n", said.c_str());
  return 0;
}
