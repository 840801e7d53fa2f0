// A program whose tasks are stopped on its own threads: what it links has to have brought the interposed calls along.
#include <cstdio>
#include <workit/workit.hpp>

using namespace std::chrono_literals;

int main() {
  if (const auto& why = workit::preempt::why_unsupported(); !why.empty()) {
    std::puts(why.c_str());
    return why.find("sanitizer") != std::string::npos ? 0 : 1;
  }
  workit::runtime rt({}, workit::threads({.threads = 1}));
  try {
    rt.run({.deadline = 20ms}, [](workit::scope& s) {
      workit::offload({.boundary = workit::boundary::thread}, [] {
        for (volatile bool runaway = true; runaway;) {
        }
      })(s);
    });
  } catch (const workit::timed_out&) {
    return 0;
  }
  return 1;
}
