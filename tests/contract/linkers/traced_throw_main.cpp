// The frame by which a worker records throws, alone: for ways to compile that would take all libraries along.
#include <cstdio>
#include <stdexcept>
#include <throw_trace.hpp>

int main() {
  workit::workers::clear_throw_trace();
  try {
    workit::workers::tracing_throws([] { throw std::out_of_range("row 7"); });
  } catch (const std::out_of_range&) {
    const auto text = workit::workers::throw_trace_text();
    std::printf("caught: %s", text.c_str());
    return text.empty() ? 1 : 0;
  }
  return 1;
}
