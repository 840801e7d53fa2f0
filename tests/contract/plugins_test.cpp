// Libraries that host and worker open: which of them a task's function is from, when they look alike.
#include <dlfcn.h>

#include <support/error_of.hpp>
#include <unit/workers/pool/run_program.hpp>
#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/with_args.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

using number_of_plugin = int (*)();

/// Opened for as long as the process lives.
class plugin {
 public:
  explicit plugin(const std::string& file) : library_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) throw std::runtime_error(dlerror());
  }
  template <class F>
  [[nodiscard]] F find(const char* name) const {
    return reinterpret_cast<F>(dlsym(library_, name));
  }
  [[nodiscard]] number_of_plugin answer() const { return find<number_of_plugin>("plugin_answer"); }
  [[nodiscard]] number_of_plugin tenant() const { return find<number_of_plugin>("plugin_tenant"); }

 private:
  void* library_;
};

number_of_plugin answer_that_the_program_calls = nullptr;

/// As preload, worker_init, or in the host: tenants are counted from 1 in the order of their files.
void open_plugins(const std::vector<std::string>& files) {
  int tenant = 0;
  for (const auto& file : files) {
    const plugin opened(file);
    opened.find<void (*)(int)>("plugin_set_tenant")(++tenant);
    answer_that_the_program_calls = opened.answer();
  }
}

/// A function of the program, which is the same in host and worker, whatever it calls.
int call_the_plugin() { return answer_that_the_program_calls(); }

/// Beside the plugins: where tests keep their folders nothing may be executed.
class Plugins : public runtime_test {
 protected:
  Plugins() {
    std::string pattern = std::filesystem::path(WORKIT_PLUGIN_ONE).parent_path() / "plugins_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make the folder " + pattern);
    folder_ = pattern;
  }
  ~Plugins() override { std::filesystem::remove_all(folder_); }

  /// A copy of a plugin, which takes the place of an earlier one as a package manager does it.
  [[nodiscard]] std::string copy(const char* from, const std::string& name) const {
    const auto fresh = folder_ / (name + ".new");
    std::filesystem::copy_file(from, fresh);
    std::filesystem::rename(fresh, folder_ / name);
    return folder_ / name;
  }

  static process_options preloaded(std::vector<std::string> files) {
    return {.workers = 1, .spares = 0, .preload = with_args(open_plugins, std::move(files))};
  }

  template <class F>
  static int offloaded(runtime& rt, F fn) {
    return rt.run([&](scope& s) { return offload({}, fn)(s); });
  }

  std::filesystem::path folder_;
};

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST_F(Plugins, OfOneBuildIdAreToldApart) {
  const auto a = copy(WORKIT_PLUGIN_ONE, "a.so"), b = copy(WORKIT_PLUGIN_TWO, "b.so");
  const plugin one(a), two(b);
  const auto first = workers::id_of(one.answer()), second = workers::id_of(two.answer());
  EXPECT_EQ(first.module.build, second.module.build) << "the control: nothing in them says which is which";
  EXPECT_EQ(first.offset, second.offset);
  for (const auto& order : {std::vector{a, b}, std::vector{b, a}}) {
    runtime rt({}, processes(preloaded(order)));
    EXPECT_EQ(offloaded(rt, one.answer()), 1);
    EXPECT_EQ(offloaded(rt, two.answer()), 2);
  }
}

TEST_F(Plugins, ThatTheWorkerHasOnlyUnderAnotherNameAreRefused) {
  const auto a = copy(WORKIT_PLUGIN_ONE, "a.so"), b = copy(WORKIT_PLUGIN_TWO, "b.so"),
             c = copy(WORKIT_PLUGIN_ONE, "c.so");
  const plugin one(a), two(b), copied(c);
  runtime rt({}, processes(preloaded({a})));
  EXPECT_EQ(offloaded(rt, one.answer()), 1) << "the control";
  for (const auto& other : {two, copied}) {
    const auto why = error_of([&] { offloaded(rt, other.answer()); });
    EXPECT_TRUE(has(why, "only one of the same build-id") && has(why, a.c_str())) << why;
  }
}

TEST_F(Plugins, CopiedForEachTenantKeepTheirState) {
  const auto a = copy(WORKIT_PLUGIN_ONE, "a.so"), b = copy(WORKIT_PLUGIN_ONE, "b.so");
  const plugin one(a), two(b);
  runtime rt({}, processes(preloaded({a, b})), arena({.threads = 1}));
  EXPECT_EQ(offloaded(rt, one.tenant()), 1);
  EXPECT_EQ(offloaded(rt, two.tenant()), 2);
  open_plugins({a, b});
  rt.run([&](scope& s) {
    const auto in_process = [&](const plugin& p) {
      return offload({.boundary = boundary::cooperative}, p.tenant())(s);
    };
    EXPECT_EQ(in_process(one), 1);
    EXPECT_EQ(in_process(two), 2);
  });
}

TEST_F(Plugins, CopiedForEachTenantOffloadTheirOwnLambda) {
  const auto a = copy(WORKIT_PLUGIN_ONE, "a.so"), b = copy(WORKIT_PLUGIN_ONE, "b.so");
  runtime rt({}, processes(preloaded({a, b})), arena({.threads = 1}));
  open_plugins({a, b});
  rt.run([&](scope& s) {
    for (const auto where : {boundary::process, boundary::cooperative}) {
      const auto offloads = [&](const std::string& file) {
        return plugin(file).find<int (*)(context&, int)>("plugin_offloads_tenant")(s, static_cast<int>(where));
      };
      EXPECT_EQ(offloads(a), 1);
      EXPECT_EQ(offloads(b), 2);
    }
  });
}

TEST_F(Plugins, ReplacedOnDiskAreRefusedDirectlyAndThroughACaller) {
  int round = 0;
  for (const char* successor : {WORKIT_PLUGIN_TWO, WORKIT_PLUGIN_OF_ANOTHER_BUILD}) {
    const auto name = std::to_string(++round) + ".so", file = copy(WORKIT_PLUGIN_ONE, name);
    open_plugins({file});
    const plugin in_host(file);
    runtime rt({}, processes(preloaded({file})));
    EXPECT_EQ(offloaded(rt, in_host.answer()), 1);
    EXPECT_EQ(offloaded(rt, call_the_plugin), 1);
    EXPECT_EQ(copy(successor, name), file);
    EXPECT_EQ(offloaded(rt, call_the_plugin), 1) << "the zygote has the one that the host has";
    const auto why = error_of([&] { find_pool(rt, {})->reload(); });
    EXPECT_TRUE(has(why, file.c_str()) && has(why, "was replaced on disk")) << why;
    EXPECT_EQ(offloaded(rt, in_host.answer()), 1) << "it goes on as it was";
    // In each worker for itself, and not at all in the zygote.
    const auto by_worker = error_of([&] {
      runtime late({},
                   processes({.workers = 1, .spares = 0, .worker_init = with_args(open_plugins, std::vector{file})}));
    });
    EXPECT_TRUE(has(by_worker, "was replaced on disk")) << by_worker;
  }
}

/// In a program of its own, whose library the linker finds in the folder.
TEST_F(Plugins, ALibraryOfTheProgramThatIsReplacedIsRefused) {
  const auto file = copy(WORKIT_LINKED_ANSWER, std::filesystem::path(WORKIT_LINKED_ANSWER).filename());
  const auto successor = copy(WORKIT_LINKED_ANSWER, "successor.so");
  helper_program host({"/usr/bin/env", "LD_LIBRARY_PATH=" + folder_.string(), WORKIT_LINKED_HOST, successor, file});
  EXPECT_EQ(host.line(), "1");
  EXPECT_EQ(host.line(), "reloaded") << "the control: nothing was replaced yet";
  const auto why = host.line();
  EXPECT_TRUE(has(why, file.c_str()) && has(why, "was replaced on disk")) << why;
  EXPECT_EQ(host.line(), "1") << "it goes on as it was";
}

TEST_F(Plugins, ThatOnlyTheWorkerHasAreNoDifference) {
  const auto file = copy(WORKIT_PLUGIN_ONE, "late.so");
  runtime rt({}, processes(preloaded({file})));
  EXPECT_EQ(offloaded(rt, call_the_plugin), 1);
  EXPECT_EQ(copy(WORKIT_PLUGIN_TWO, "late.so"), file);
  find_pool(rt, {})->reload();
  EXPECT_EQ(offloaded(rt, call_the_plugin), 2) << "the host has never opened either";
}

}  // namespace
}  // namespace workit::test
