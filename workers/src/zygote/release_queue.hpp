// The memories of dead workers, which are freed one at a time.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

namespace workit::workers {

/// In the order of the workers' deaths. While the kernel frees a memory it occupies a processor, until its next tick at
/// least. A memory is freed when its mm_holder dies. Invariant: of the mm_holders in it, next() has returned the first
/// at most.
class release_queue {
 public:
  void add(std::uint32_t worker, pid_t mm_holder) { waiting_.push_back({worker, mm_holder}); }

  /// The mm_holder to be killed now; nothing while one is dying, or none is left.
  [[nodiscard]] std::optional<pid_t> next() noexcept {
    if (first_is_dying_ || waiting_.empty()) return std::nullopt;
    first_is_dying_ = true;
    return waiting_.front().mm_holder;
  }

  /// That process has died, killed by us or not: the worker whose memory it held, if it held one of these.
  [[nodiscard]] std::optional<std::uint32_t> ended(pid_t pid) noexcept {
    const auto found = std::ranges::find(waiting_, pid, &memory::mm_holder);
    if (found == waiting_.end()) return std::nullopt;
    const auto worker = found->worker;
    if (found == waiting_.begin()) first_is_dying_ = false;
    waiting_.erase(found);
    return worker;
  }

  [[nodiscard]] bool contains(pid_t pid) const noexcept {
    return std::ranges::find(waiting_, pid, &memory::mm_holder) != waiting_.end();
  }
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

  template <class Visit>
  void for_each_mm_holder(Visit visit) const {
    for (const auto& m : waiting_) visit(m.mm_holder);
  }

 private:
  struct memory {
    std::uint32_t worker;
    pid_t mm_holder;
  };
  std::deque<memory> waiting_;
  bool first_is_dying_ = false;
};

}  // namespace workit::workers
