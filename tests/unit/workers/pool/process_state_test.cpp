// process_state: a letter out of /proc.
#include "process_state.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace workit::test {
namespace {

TEST(ProcessState, OfThisProcessIsRunning) { EXPECT_EQ(workers::process_state(::getpid()), 'R'); }

TEST(ProcessState, IsNotConfusedByAProcessName) {
  char before[16] = {};
  ::prctl(PR_GET_NAME, before);
  ::prctl(PR_SET_NAME, "a) Z (b) D");
  const char state = workers::process_state(::getpid());
  ::prctl(PR_SET_NAME, before);
  EXPECT_EQ(state, 'R');
}

TEST(ProcessState, OfNoProcessIsAQuestionMark) { EXPECT_EQ(workers::process_state(-1), '?'); }

}  // namespace
}  // namespace workit::test
