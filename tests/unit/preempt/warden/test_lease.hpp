// A lease for tests: it decides between completion and stop as a pool would, and notes what it is told.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <workit/preempt/lease.hpp>

namespace workit::test {

/// Of a task that has not started.
inline constexpr preempt::stop_claim withdrawn{.what = preempt::stop_claim::answer::withdrawn};

class test_lease : public preempt::lease {
 public:
  /// What a stop gets when it comes first.
  test_lease(cancel_cell::ptr ruling, preempt::stop_claim on_stop, boundary runs_at = boundary::process)
      : lease(std::move(ruling), runs_at), on_stop_(on_stop) {}

  /// The task commits its result; false when a stop came first.
  bool complete() { return decide(); }

  duration ask() noexcept override {
    ++asked;
    return grace;
  }
  preempt::stop_claim claim_stop() noexcept override {
    ++claims;
    return decide() ? on_stop_ : preempt::stop_claim{};
  }
  void stopped(std::shared_ptr<receipt_slot> slot) noexcept override {
    notified_on = std::this_thread::get_id();
    notified_as = ++all_notified;
    receipt = slot->get();
    ++told;
    told.notify_all();
  }
  void ask_to_kill() noexcept override { ++asked_to_kill; }
  void stop_in_place() noexcept override { ++stopped_in_place; }
  /// Waits for stopped().
  void wait() const { told.wait(0); }

  duration grace{};
  std::atomic<int> asked{0};
  std::atomic<int> claims{0};
  std::atomic<int> asked_to_kill{0};
  std::atomic<int> stopped_in_place{0};
  std::atomic<int> told{0};
  int notified_as = 0;  // its place in the order in which all such leases were told
  std::optional<stop_receipt> receipt;
  std::thread::id notified_on;

 private:
  static inline std::atomic<int> all_notified{0};

  bool decide() noexcept {
    bool open = false;
    return decided_.compare_exchange_strong(open, true);
  }

  const preempt::stop_claim on_stop_;
  std::atomic<bool> decided_{false};
};

}  // namespace workit::test
