// Names of functions, and the way back.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <workit/workers/detail/function_id.hpp>

namespace workit::workers {
namespace {

int answer() { return 42; }

TEST(FunctionId, IsTheSameEachTimeAndLeadsBack) {
  const auto id = id_of(&answer);
  EXPECT_TRUE(id);
  EXPECT_EQ(id, id_of(&answer));
  const auto found = find_function(id);
  ASSERT_TRUE(found);
  EXPECT_EQ(reinterpret_cast<int (*)()>(*found)(), 42);
}

TEST(FunctionId, OfAnotherModuleOrOfNoCodeIsNotFound) {
  EXPECT_FALSE(find_function({}));
  auto other = id_of(&answer);
  other.module.build[0] ^= 1;
  EXPECT_FALSE(find_function(other)) << "the module was built anew";
  auto data = id_of(&answer);
  data.offset = 0;  // the ELF header is mapped to be read only
  EXPECT_FALSE(find_function(data));
}

TEST(FunctionId, OfCodeInNoModuleIsRefused) {
  void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_THROW(static_cast<void>(id_of(reinterpret_cast<any_function>(page))), start_failed);
  ::munmap(page, 4096);
}

TEST(FunctionId, HasANameForPeopleAlsoWhereItIsNotExported) {
  EXPECT_NE(name_of(reinterpret_cast<any_function>(&answer)).find("workit::workers::(anonymous namespace)::answer()"),
            std::string::npos);
  EXPECT_EQ(name_of(reinterpret_cast<any_function>(&std::abort)), "abort");
  const any_function lambda = [] {};
  EXPECT_NE(name_of(lambda).find("{lambda()#1}"), std::string::npos) << name_of(lambda);
  EXPECT_FALSE(name_of(lambda).ends_with("_FUN()"));
  const auto inside = reinterpret_cast<any_function>(reinterpret_cast<std::uintptr_t>(&answer) + 1);
  EXPECT_NE(name_of(inside).find("workit_workers_unit_test+0x"), std::string::npos) << name_of(inside);
}

}  // namespace
}  // namespace workit::workers
