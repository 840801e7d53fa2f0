// The watchdog over tests.
#include "watchdog.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <workit/status/print_tree_on.hpp>

namespace workit::test {
namespace {

/// Long enough that only a test that hangs exceeds it, on an overloaded machine, too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int default_seconds = 900;
#else
constexpr int default_seconds = 300;
#endif

class listener final : public testing::EmptyTestEventListener {
 public:
  explicit listener(std::chrono::seconds bound) : dog_(bound) {}

 private:
  void OnTestStart(const testing::TestInfo& test) override {
    dog_.guard(std::string(test.test_suite_name()) + '.' + test.name());
  }
  void OnTestEnd(const testing::TestInfo&) override { dog_.rest(); }

  watchdog dog_;
};

}  // namespace

watchdog::watchdog(std::chrono::microseconds bound, std::function<void()> then)
    : bound_(bound), then_(std::move(then)), thread_([this] { watch(); }) {}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void watchdog::guard(std::string test) {
  {
    const std::lock_guard lock(mutex_);
    test_ = std::move(test);
    until_ = std::chrono::steady_clock::now() + bound_;
  }
  changed_.notify_all();
}

void watchdog::rest() {
  const std::lock_guard lock(mutex_);
  test_.clear();
}

void watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (test_.empty()) {
      changed_.wait(lock);
    } else if (std::chrono::steady_clock::now() < until_) {
      changed_.wait_until(lock, until_);
    } else {
      std::fprintf(stderr, "%s hangs; this is what it does:\n%s", test_.c_str(), process_tree().c_str());
      std::fflush(stderr);
      test_.clear();
      then_();
    }
  }
}

void watchdog::over_all_tests() {
  const char* given = std::getenv("WORKIT_TEST_WATCHDOG");
  const std::chrono::seconds bound(given != nullptr ? std::atoi(given) : default_seconds);
  testing::UnitTest::GetInstance()->listeners().Append(new listener(bound));  // which takes it over
}

}  // namespace workit::test
