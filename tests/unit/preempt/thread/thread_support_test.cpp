// thread_support: whether this program can have stoppable threads.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <workit/preempt/stoppable_thread.hpp>

#include "thread_state.hpp"

namespace workit::test {
namespace {

TEST(ThreadSupport, AProgramThatLinksTheInterposedCallsHasItUnlessItIsSanitized) {
  const auto& why = preempt::why_unsupported();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_NE(why.find("under a sanitizer"), std::string::npos) << why;
#else
  EXPECT_EQ(why, "");
  EXPECT_NE(preempt::kick_signal(), 0) << "a signal was chosen";
#endif
}

std::string said_by(const std::string& program) {
  FILE* const output = ::popen((program + " 2>&1").c_str(), "r");
  std::string said(1024, ' ');
  said.resize(std::fread(said.data(), 1, said.size(), output));
  ::pclose(output);
  return said;
}

// Two definitions of __cxa_begin_catch would be an error of the linker, without a word of what to do.
TEST(ThreadSupport, AProgramWithAStaticLibstdcxxLinksAndIsRefusedWithASentence) {
#ifdef WORKIT_STATIC_RUNTIME
  const auto alone = said_by(WORKIT_STATIC_RUNTIME);
  EXPECT_NE(alone.find("without -static-libstdc++"), std::string::npos) << alone;
  const auto beside_a_shared_one = said_by(WORKIT_TWO_RUNTIMES);
  EXPECT_TRUE(beside_a_shared_one.starts_with("threads cannot be stopped in a program with a static libstdc++"))
      << beside_a_shared_one;
#else
  GTEST_SKIP() << "a sanitizer's runtime is not linked statically beside them";
#endif
}

}  // namespace
}  // namespace workit::test
