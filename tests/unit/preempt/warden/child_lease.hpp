// A lease of a task that runs in a child process of the test.
#pragma once

#include <cstdint>
#include <memory>
#include <support/spinning_child.hpp>
#include <utility>

#include "test_lease.hpp"

namespace workit::test {

class child_lease final : public test_lease {
 public:
  child_lease(cancel_cell::ptr ruling, const spinning_child& child)
      : test_lease(std::move(ruling),
                   {preempt::stop_claim::answer::kill, child.pidfd(), child.pid(), child.death_word()}),
        child_(child) {}

  void stopped(std::shared_ptr<receipt_slot> slot) noexcept override {
    beats_at_stop = child_.beats();
    exited_at_stop = child_.exited();
    test_lease::stopped(std::move(slot));
  }

  std::uint64_t beats_at_stop = 0;
  bool exited_at_stop = false;

 private:
  const spinning_child& child_;
};

}  // namespace workit::test
