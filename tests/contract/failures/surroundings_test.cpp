// A host whose surroundings lack what worker processes take: each gets a sentence of what was needed, what was found
// and what to do.
#include <link.h>

#include <initializer_list>

#include "failures.hpp"
#include "host_program.hpp"

namespace workit::test {
namespace {

/// A variable of the environment for a while.
class variable {
 public:
  variable(const char* name, const std::string& value) : name_(name) {
    if (const char* had = getenv(name)) before_ = had;
    setenv(name, value.c_str(), 1);
  }
  ~variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class Surroundings : public failures_test {
 protected:
  static std::string said_by(std::vector<std::string> command) {
    host_program host(std::move(command));
    auto said = host.said();
    host.wait();
    return said;
  }
  static std::string said_by_host(const char* mode) { return said_by({WORKIT_SURROUNDED_HOST, mode}); }
  /// Whether the test can go on.
  static bool expect_in(const std::string& said, std::initializer_list<const char*> parts) {
    for (const auto* part : parts) EXPECT_NE(said.find(part), std::string::npos) << "no " << part << " in: " << said;
    return true;
  }
  static bool can_be_tried(const std::string& said) { return !said.starts_with("cannot be tried"); }

  const variable libraries{"LD_LIBRARY_PATH", std::filesystem::path(WORKIT_SURROUNDED_LIBRARY).parent_path()};
};

TEST_F(Surroundings, ControlArmOfUsualOnesAPoolStarts) {
  EXPECT_EQ(said_by_host("start"), "the value is 5");
  EXPECT_EQ(said_by_host("start_without_children"), "the value is 5");
  EXPECT_EQ(said_by_host("elsewhere"), "the value is 5");
}

TEST_F(Surroundings, WithAThreadBeforeInitNameIt) {
  const variable early("WORKIT_TEST_EARLY_THREAD", "1");
  expect_in(said_by_host("start"), {"the zygote has 2 threads (\"early\")", "cannot be forked",
                                    "a line of main before workit::init", "start them after it"});
}

TEST_F(Surroundings, WithAnEndBeforeInitSayThat) {
  const variable early("WORKIT_TEST_EARLY_EXIT", "1");
  expect_in(said_by_host("start"), {"exited with code 9 before it reached workit::init", "a line of main"});
}

TEST_F(Surroundings, WithARelativePathOfLibrariesAndAnotherDirectoryNameBoth) {
  const temporary_directory folder;
  std::filesystem::create_directory(folder.path() / "libs");
  std::filesystem::copy(WORKIT_SURROUNDED_LIBRARY, folder.path() / "libs");
  const auto said = [&](const std::string& mode) {
    return said_by({"/bin/sh", "-c",
                    "cd " + folder.path().string() + " && LD_LIBRARY_PATH=libs exec " WORKIT_SURROUNDED_HOST " " +
                        mode + " 2>/dev/null"});
  };
  EXPECT_EQ(said("start"), "the value is 5") << "the control arm: from there it is found";
  expect_in(said("elsewhere"), {"exited with code 127 before it reached workit::init", "the library \"libs/lib",
                                "the working directory \"/\"", "make LD_LIBRARY_PATH absolute"});
}

TEST_F(Surroundings, WithALibraryThatIsGoneSayWhereToLook) {
  const temporary_directory folder;
  std::filesystem::copy(WORKIT_SURROUNDED_LIBRARY, folder.path());
  const auto said =
      said_by({"/bin/sh", "-c",
               "LD_LIBRARY_PATH=" + folder.path().string() + " exec " WORKIT_SURROUNDED_HOST " after_removal " +
                   folder.path().string() + " 2>/dev/null"});
  expect_in(said, {"exited with code 127 before it reached workit::init", "standard error", "LD_LIBRARY_PATH is \""});
}

TEST_F(Surroundings, ThatAreTheLoadersNameIt) {
  std::string loader;  // of this very process, which has the same
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        if (std::strstr(info->dlpi_name, "/ld-linux") == nullptr) return 0;
        *static_cast<std::string*>(to) = info->dlpi_name;
        return 1;
      },
      &loader);
  if (loader.empty()) GTEST_SKIP() << "this machine's loader has another name";
  expect_in(said_by({loader, WORKIT_SURROUNDED_HOST, "start"}),
            {"a zygote could not be started", "/proc/self/exe", "the dynamic loader", "start the program itself"});
}

TEST_F(Surroundings, WithoutProcSayThat) {
  const variable no_leak_check("LSAN_OPTIONS", "detect_leaks=0");  // which needs /proc itself
  const auto said = said_by_host("without_proc");
  if (!can_be_tried(said)) GTEST_SKIP() << said;
  expect_in(said,
            {"a zygote could not be started", "/proc/self/exe", "No such file or directory", "mount proc on /proc"});
}

// What may be executed and not be read is enough.
TEST_F(Surroundings, WithAProgramThatMayNotBeReadAPoolStarts) {
  const temporary_directory folder;
  const auto copy = folder.path() / "host";
  std::filesystem::copy(WORKIT_SURROUNDED_HOST, copy);
  std::filesystem::copy(WORKIT_SURROUNDED_LIBRARY, folder.path());
  chmod(copy.c_str(), 0111);
  chmod(folder.path().c_str(), 0755);
  const variable here("LD_LIBRARY_PATH", folder.path().string() + ":" + getenv("LD_LIBRARY_PATH"));
  const auto said = said_by({WORKIT_SURROUNDED_HOST, "as_nobody", copy.string()});
  if (!can_be_tried(said)) GTEST_SKIP() << said;
  EXPECT_EQ(said, "the value is 5");
}

TEST_F(Surroundings, ThatRefuseClone3SayWhoDoesThat) {
  const auto said = said_by_host("clone3_refused");
  if (!can_be_tried(said)) GTEST_SKIP() << said;
  expect_in(said, {"could not be started", "clone3 with EPERM", "update the container runtime"});
}

TEST_F(Surroundings, WithoutSeccompKeepNoLimitOfProcessesAndSaySo) {
  const auto said = said_by_host("seccomp_refused");
  if (!can_be_tried(said)) GTEST_SKIP() << said;
  expect_in(said, {"limits.processes = 0 cannot be kept", "seccomp: Function not implemented", "leave the limit out"});
  expect_in(said_by_host("filters_refused"),
            {"limits.processes = 0 cannot be kept by a worker", "seccomp: Operation not permitted"});
}

}  // namespace
}  // namespace workit::test
