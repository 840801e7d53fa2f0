// The modules of a host beside those of its workers; here this process is both.
#include <gtest/gtest.h>

#include <algorithm>
#include <host_modules.hpp>
#include <loaded_modules.hpp>
#include <workit/workers/wire.hpp>

namespace workit::workers {
namespace {

TEST(LoadedModules, HaveTheirFileAndTheirCode) {
  const auto all = loaded_modules();
  EXPECT_EQ(all, loaded_modules()) << "nothing was loaded since";
  ASSERT_GT(all->size(), 1U);
  EXPECT_EQ(all->front().path, "");
  EXPECT_EQ(name_of(all->front()), "the program itself");
  for (const auto& m : *all) {
    EXPECT_FALSE(m.code.empty()) << name_of(m);
    if (m.path.starts_with('/') || m.path.empty()) {
      EXPECT_NE(m.id.inode, 0U) << name_of(m);
    }
    EXPECT_EQ(std::ranges::count(*all, m.id, &loaded_module::id), 1) << name_of(m);
  }
}

TEST(HostModules, OfTheSameFilesAreNoDifference) { EXPECT_EQ(replaced_module(encode_modules()), std::nullopt); }

/// The list of this process with other bytes behind the path of one module.
bytes with_another(const loaded_module& m) {
  auto list = encode_modules();
  const auto* path = reinterpret_cast<const std::byte*>(m.path.data());
  auto at = std::search(list.begin(), list.end(), path, path + m.path.size());
  EXPECT_NE(at, list.end());
  at[static_cast<std::ptrdiff_t>(m.path.size())] ^= std::byte{1};
  return list;
}

TEST(HostModules, OfAnotherFileAtTheSamePathAreTold) {
  const auto all = loaded_modules();
  const auto& last = all->back();
  EXPECT_EQ(replaced_module(with_another(last)).value_or("").find(last.path + " was replaced on disk"), 0U);
}

TEST(HostModules, ThatOneOfTheTwoHasAreNoDifference) {
  wire_writer none;
  none.write(std::vector<std::string>{});
  EXPECT_EQ(replaced_module(none.frame()), std::nullopt);
}

TEST(HostModules, OfNoListAreRefused) { EXPECT_THROW(static_cast<void>(replaced_module({})), wire_error); }

}  // namespace
}  // namespace workit::workers
