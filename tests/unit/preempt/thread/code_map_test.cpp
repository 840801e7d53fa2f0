// code_map: which code owns an address.
#include "code_map.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <workit/preempt/stoppable_thread.hpp>

#include "libraries.hpp"
#include "stack_switch.hpp"

namespace workit::test {
namespace {

using preempt::code_map;
using preempt::code_owner;

class CodeMap : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    code_map::refresh();
  }
  static code_owner owner_of(const void* code) {
    return code_map::current()->of(reinterpret_cast<std::uintptr_t>(code)).owner;
  }
  /// Of the function behind the interposed ones.
  static code_owner owner_of_real(const char* function) { return owner_of(dlsym(RTLD_NEXT, function)); }
};

int ours() { return 1; }

TEST_F(CodeMap, TellsTheTasksOwnCodeFromTheRuntimesAndTheLibraries) {
  EXPECT_EQ(owner_of(reinterpret_cast<const void*>(&ours)), code_owner::task);
  EXPECT_EQ(owner_of(reinterpret_cast<const void*>(&preempt::workit_run_on_stack)), code_owner::boundary);
  EXPECT_EQ(owner_of(preempt::workit_run_on_stack_end), code_owner::runtime);
  EXPECT_EQ(owner_of(reinterpret_cast<const void*>(&std::malloc)), code_owner::runtime) << "it is interposed";
  EXPECT_EQ(owner_of_real("malloc"), code_owner::allocator);
  EXPECT_EQ(owner_of_real("qsort"), code_owner::sorter);
  EXPECT_EQ(owner_of_real("sin"), code_owner::pure);
  EXPECT_EQ(owner_of_real("_Unwind_Backtrace"), code_owner::unwinder);
  const auto printf = code_map::current()->of(reinterpret_cast<std::uintptr_t>(dlsym(RTLD_NEXT, "printf")));
  EXPECT_EQ(printf.owner, code_owner::foreign);
  EXPECT_EQ(std::string(printf.module), "libc.so.6");
}

TEST_F(CodeMap, AFunctionOfLibcEndsWhereItsFrameDescriptionEnds) {
  Dl_info info{};
  const ElfW(Sym)* symbol = nullptr;
  ASSERT_NE(dladdr1(dlsym(RTLD_NEXT, "qsort_r"), &info, reinterpret_cast<void**>(const_cast<ElfW(Sym)**>(&symbol)),
                    RTLD_DL_SYMENT),
            0);
  const auto* const begin = static_cast<const char*>(info.dli_saddr);
  EXPECT_EQ(owner_of(begin + symbol->st_size - 1), code_owner::sorter);
  EXPECT_NE(owner_of(begin + symbol->st_size), code_owner::sorter);
}

TEST_F(CodeMap, CodeWithoutAModuleIsForeign) {
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto answer = code_map::current()->of(reinterpret_cast<std::uintptr_t>(page));
  EXPECT_EQ(answer.owner, code_owner::foreign);
  EXPECT_EQ(std::string(answer.module), "code without a module");
  munmap(page, 4096);
}

TEST_F(CodeMap, ALibraryThatIsOpenedAndOneThatIsAllowedAreKnownAfterARefresh) {
  const auto* const before = code_map::current();
  code_map::refresh();
  EXPECT_EQ(code_map::current(), before) << "nothing has changed";
  const library spinning(WORKIT_SPINNING_LIBRARY);
  const auto* const code = reinterpret_cast<const void*>(spinning.get<spin_while_call>("spin_while"));
  code_map::refresh();
  EXPECT_NE(code_map::current(), before);
  EXPECT_EQ(owner_of(code), code_owner::foreign);
  preempt::allow_module(WORKIT_SPINNING_LIBRARY_NAME);
  EXPECT_EQ(owner_of(code), code_owner::foreign) << "a map that is published does not change";
  code_map::refresh();
  EXPECT_EQ(owner_of(code), code_owner::task);
}

}  // namespace
}  // namespace workit::test
