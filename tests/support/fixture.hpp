// The fixture of all tests that make a runtime: afterwards nothing of it may be left.
#pragma once

#include <gtest/gtest.h>

#include <support/census.hpp>
#include <workit/scope/runtime.hpp>

namespace workit::test {

/// Threads and descriptors are back at their number of before when the test is over.
class runtime_test : public ::testing::Test {
 protected:
  void SetUp() override { before_ = census::take(); }
  void TearDown() override {
    const auto after = census::settle(before_);
    EXPECT_EQ(after.threads, before_.threads) << "a thread outlived its runtime";
    EXPECT_EQ(after.descriptors, before_.descriptors) << "a descriptor outlived its runtime; these are open:\n"
                                                      << census::descriptors_by_name();
  }

 private:
  census before_;
};

/// A runtime on a manual clock, which jumps to the next timer as soon as all is parked.
struct manual_runtime {
  manual_clock clock;
  runtime rt;

  explicit manual_runtime(runtime_options options = {})
      : rt([&] {
          options.clock = &clock;
          return std::move(options);
        }()) {}

  template <class F>
  decltype(auto) run(scope_options options, F&& body) {
    return rt.run(std::move(options), std::forward<F>(body));
  }
  template <class F>
  decltype(auto) run(F&& body) {
    return rt.run(std::forward<F>(body));
  }
};

/// A clock that stands where the test has put it and never jumps by itself.
class set_clock final : public clock_source {
 public:
  [[nodiscard]] time_point now() const noexcept override {
    return time_point{duration{now_.load(std::memory_order_acquire)}};
  }
  void advance(duration by) noexcept { now_.fetch_add(by.count(), std::memory_order_acq_rel); }

 private:
  std::atomic<duration::rep> now_{std::chrono::duration_cast<duration>(std::chrono::hours(1)).count()};
};

}  // namespace workit::test
