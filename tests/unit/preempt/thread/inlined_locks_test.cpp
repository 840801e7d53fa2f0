// Locks that libstdc++ inlines, which no interposed call sees: workit::no_preempt_scope keeps a task in them.
#include <unistd.h>

#include <memory>
#include <stop_token>
#include <workit/preempt/no_preempt_scope.hpp>

#include "workloads.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

/// The control arm: a scope without effect.
struct no_scope {
  no_scope() noexcept {}  // or it would be an unused variable
};

std::stop_source& of_the_host() {
  static std::stop_source source;
  return source;
}

template <class Scope>
void register_callbacks() {
  while (!let_out) {
    [[maybe_unused]] const Scope whole;
    const std::stop_callback callback(of_the_host().get_token(), [] {});
  }
}
void use_callbacks() {
  const std::stop_callback callback(of_the_host().get_token(), [] {});
}

std::atomic<std::shared_ptr<int>> shared{std::make_shared<int>(1)};

template <class Scope>
void load_shared() {
  while (!let_out) {
    [[maybe_unused]] const Scope whole;
    const auto mine = shared.load();
  }
}
void use_shared() { shared.store(std::make_shared<int>(2)); }

struct inlined {
  const char* name;
  task_body in_scope, bare;
  void (*use)();  ///< by the host; does not return when a stop has left the lock taken
};

std::ostream& operator<<(std::ostream& to, const inlined& of) { return to << of.name; }

void stop_again_and_again(task_body body, void (*use)(), int stops) {
  std::mt19937_64 random(seed());
  stopping_fixture fixture;
  for (int i = 0; i < stops; ++i) {
    fixture.start(body);
    wait_randomly(random, 100us);
    ASSERT_TRUE(fixture.stop().end.left) << "at stop " << i;
    use();
  }
}

class InlinedLock : public ::testing::TestWithParam<inlined> {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(InlinedLock, IsNeverLeftTakenInANoPreemptScope) {
  stop_again_and_again(GetParam().in_scope, GetParam().use, 2000);
}

/// Ends the process with 7 once the host has been at one use for two seconds.
void stop_without_scope(const inlined& of) {
  static std::atomic<std::chrono::steady_clock::rep> since{0};
  static void (*use)() = of.use;
  std::thread([] {
    for (;; ::usleep(1000))
      if (const auto begun = since.load(); begun != 0 && (std::chrono::steady_clock::now().time_since_epoch() -
                                                          std::chrono::steady_clock::duration(begun)) > 2s)
        ::_exit(7);
  }).detach();
  stop_again_and_again(
      of.bare,
      [] {
        since = std::chrono::steady_clock::now().time_since_epoch().count();
        use();
        since = 0;
      },
      20000);
  ::_exit(0);
}

// The control arm, and why the contract names them: the bit stays set, and the host waits for it for ever.
TEST_P(InlinedLock, IsLeftTakenWithoutOne) {
  EXPECT_EXIT(stop_without_scope(GetParam()), testing::ExitedWithCode(7), "");
}

const inlined all[] = {
    {"StopCallback", register_callbacks<no_preempt_scope>, register_callbacks<no_scope>, use_callbacks},
    {"AtomicSharedPtr", load_shared<no_preempt_scope>, load_shared<no_scope>, use_shared},
};
INSTANTIATE_TEST_SUITE_P(Of, InlinedLock, ::testing::ValuesIn(all),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace workit::test
