// thread_support: whether this program can have stoppable threads.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace workit::test
