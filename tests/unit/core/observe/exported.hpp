// A sink for tests: keeps what it is given, and can be made to wait or to fail.
#pragma once

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <support/fixture.hpp>
#include <vector>

namespace workit::test {

/// Threads: any. It outlives the exporter that it is the sink of.
template <class Record>
class exported {
 public:
  /// The sink.
  [[nodiscard]] auto sink() {
    return [this](const Record& r) {
      ++offered_;
      offered_.notify_all();
      held_.wait(true);
      if (fails) throw std::runtime_error("no backend");
      const std::lock_guard lock(mutex_);
      all_.push_back(r);
    };
  }
  /// From now on the sink waits, with the record in its hands.
  void hold() { held_ = true; }
  void let_go() {
    held_ = false;
    held_.notify_all();
  }
  /// Until the sink has been called so often.
  void await(int calls) const {
    for (int seen = offered_; seen < calls; seen = offered_) offered_.wait(seen);
  }
  [[nodiscard]] int offered() const { return offered_; }
  [[nodiscard]] std::vector<Record> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

  std::atomic<bool> fails{false};

 private:
  mutable std::mutex mutex_;
  std::vector<Record> all_;  // guarded by mutex_
  std::atomic<int> offered_{0};
  std::atomic<bool> held_{false};
};

}  // namespace workit::test
