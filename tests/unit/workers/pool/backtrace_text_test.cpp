// backtrace_text: names of functions and of the program, in text that may be anything.
#include "backtrace_text.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace workit::test {
namespace {

using workers::readable_backtrace;

std::string this_program() {
  char path[512] = {};
  return ::readlink("/proc/self/exe", path, sizeof path - 1) > 0 ? path : "";
}

TEST(BacktraceText, DemanglesFunctions) {
  EXPECT_EQ(readable_backtrace("lib.so(_ZN1a1fEv+0x10) [0x55]\nlib.so(_ZN1a1gEi+0x1) [0x56]\n"),
            "lib.so(a::f()+0x10) [0x55]\nlib.so(a::g(int)+0x1) [0x56]\n");
}

TEST(BacktraceText, NamesTheProgramInsteadOfTheZygoteAtTheBeginningOfALineOnly) {
  EXPECT_EQ(readable_backtrace("workit-zygote(+0x1) [0x5]\nlib.so(workit-zygote) [0x6]\nworkit-worker(+0x2) [0x7]\n"),
            this_program() + "(+0x1) [0x5]\nlib.so(workit-zygote) [0x6]\n" + this_program() + "(+0x2) [0x7]\n");
}

TEST(BacktraceText, LeavesWhatIsNoNameAsItIs) {
  for (const std::string text : {"", "(_Z", "(_Zxyz+0x1)", "(_Znever ends", "plain text\n"})
    EXPECT_EQ(readable_backtrace(text), text);
}

TEST(BacktraceText, LeavesASymbolThatIsTooLongAsItIs) {
  const std::string text = "(_ZN" + std::string(5000, '1') + "aEv+0x1)";
  EXPECT_EQ(readable_backtrace(text), text);
}

}  // namespace
}  // namespace workit::test
