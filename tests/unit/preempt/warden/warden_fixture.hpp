// A warden for each test, and the helpers of the tests of stops.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <support/descriptor_balance.hpp>
#include <support/telling_listener.hpp>
#include <workit/preempt/warden.hpp>

#include "child_lease.hpp"

namespace workit::test {

class warden_fixture : public descriptor_balance {
 protected:
  cancel_cell::ptr scope() { return cancel_cell::make(nullptr, std::make_shared<telling_listener>(*warden_)); }
  static cancel_cell::ptr below(const cancel_cell::ptr& parent) { return cancel_cell::make(parent, nullptr); }

  /// Stops a task that runs in `child`, and waits until the stop is proven, however long that takes.
  std::shared_ptr<child_lease> stop_and_wait(spinning_child& child) {
    const auto root = scope();
    auto task = std::make_shared<child_lease>(below(root), child);
    warden_->enlist(task);
    EXPECT_TRUE(root->request(reason::user{}));
    child.let_end();
    task->wait();
    return task;
  }

  // The child was stopped for good: it does not move while another one, asked later, goes all the way to its end.
  static void expect_stopped_for_good(spinning_child& child, const child_lease& task) {
    spinning_child control;
    child.let_end();
    control.let_end();
    EXPECT_EQ(control.reap(), 0);
    EXPECT_TRUE(control.left_marker()) << "the control arm did not come to its end: this test shows nothing";
    EXPECT_EQ(child.reap(), SIGKILL);
    EXPECT_EQ(child.beats(), task.beats_at_stop) << "it ran on after it was said to be stopped";
    EXPECT_FALSE(child.left_marker());
  }

  void SetUp() override {
    descriptor_balance::SetUp();
    warden_ = std::make_unique<preempt::warden>();
  }
  void TearDown() override {
    warden_.reset();
    descriptor_balance::TearDown();
  }

  std::unique_ptr<preempt::warden> warden_;
};

}  // namespace workit::test
