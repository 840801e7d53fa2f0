// The backtrace of an exception that leaves a task.
#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <throw_trace.hpp>

namespace workit::workers {
namespace {

#if defined(__x86_64__)

[[gnu::noinline]] void deeper(int levels) {
  if (levels == 0) throw std::runtime_error("deep down");
  deeper(levels - 1);
  asm volatile("");  // no tail call
}

auto lines_of(const std::string& text) { return std::ranges::count(text, '\n'); }

/// The record of a task that throws, below `levels` frames of its own.
std::string trace_of(int levels) {
  clear_throw_trace();
  EXPECT_THROW(tracing_throws([&] { deeper(levels); }), std::runtime_error);
  return throw_trace_text();
}

TEST(ThrowTrace, RecordsTheStackOfTheThrow) {
  const auto shallow = trace_of(1), deep = trace_of(11);
  EXPECT_GT(lines_of(shallow), 0);
  EXPECT_EQ(lines_of(deep), lines_of(shallow) + 10);
  EXPECT_EQ(shallow.find("__cxa_throw"), std::string::npos) << "it begins at the throwing frame";
}

TEST(ThrowTrace, RecordsNothingOfWhatTheTaskCatches) {
  clear_throw_trace();
  tracing_throws([] { EXPECT_THROW(deeper(1), std::runtime_error); });
  EXPECT_EQ(throw_trace_text(), "");
}

TEST(ThrowTrace, KeepsTheFirstThrowOfAnExceptionThatIsThrownAgain) {
  std::exception_ptr kept;
  try {
    tracing_throws([] { deeper(11); });
  } catch (...) {
    kept = std::current_exception();
  }
  const auto first = throw_trace_text();
  EXPECT_THROW(tracing_throws([&] { std::rethrow_exception(kept); }), std::runtime_error);
  EXPECT_EQ(throw_trace_text(), first);
  clear_throw_trace();
  EXPECT_EQ(throw_trace_text(), "");
}

#endif

}  // namespace
}  // namespace workit::workers
