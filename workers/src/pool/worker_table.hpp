// The workers of a pool by number, and by state in the counts of their zygote groups.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "launch.hpp"
#include "worker_handle.hpp"
#include "zygote_group.hpp"

namespace workit::workers {

/// Between two parts of kept memory that are given back.
inline constexpr duration payload_pause = std::chrono::milliseconds(1);

/// External synchronisation: the pool's mutex, also for the fields of workers and zygote groups.
///
/// Invariants
/// 1. A worker changes its state in enter() alone, which keeps the counts of its zygote group and of the table.
/// 2. A worker becomes lost once; then no count and no list of idle workers knows it.
/// 3. A worker is in the table from its being asked for until its memory is back and its task was taken from it;
///    nothing that a dead or stopped worker could write is used again.
/// 4. A worker has a task exactly while it is running or collecting.
class worker_table {
 public:
  using handle = std::shared_ptr<worker_handle>;
  using map = std::unordered_map<std::uint32_t, handle>;

  /// `payload_memory`: bytes of large payloads that all workers together keep for their next tasks.
  explicit worker_table(std::size_t payload_memory = 0) noexcept : payload_memory_(payload_memory) {}

  /// Never given twice.
  [[nodiscard]] std::uint32_t next_number() noexcept { return ++last_number_; }
  /// Counts a new worker as starting. add() or forgo() follows.
  void reserve(const worker_handle& worker) noexcept;
  /// Its zygote was asked for it.
  void add(handle worker);
  /// Its zygote could not be asked for it.
  void forgo(const worker_handle& worker) noexcept;

  /// Null when there is none of that number.
  [[nodiscard]] handle find(std::uint32_t number) const;
  [[nodiscard]] map::const_iterator begin() const noexcept { return workers_.begin(); }
  [[nodiscard]] map::const_iterator end() const noexcept { return workers_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }
  /// Workers with a task.
  [[nodiscard]] std::size_t busy() const noexcept { return busy_; }
  /// Workers that are not lost.
  [[nodiscard]] std::size_t alive() const noexcept { return alive_; }
  /// Lost workers whose memory is not back.
  [[nodiscard]] std::size_t dying() const noexcept { return size() - std::min(size(), alive()); }

  void enter(const handle& worker, worker_state next);
  /// The idle worker takes that task.
  void give(const handle& worker, std::shared_ptr<job> task);
  [[nodiscard]] static bool has_task(const worker_handle& worker, const job& task) noexcept;
  /// The worker goes on without its task. Requires: has_task().
  void park(const handle& worker);
  /// Whether workers keep memory of large payloads.
  [[nodiscard]] bool keeps_payloads() const noexcept { return kept_ != 0; }
  /// Gives back a part, a MiB, of what one worker keeps that has been idle for `kept_for`: the caller, the warden, has
  /// the pool's mutex. When to call it again, or nothing when no idle worker keeps any.
  [[nodiscard]] std::optional<time_point> give_back_payloads(time_point now, duration kept_for);
  /// The worker is lost, and its task, if it has one, is taken from it. Its entry goes if its memory is back.
  void lose(const handle& worker);
  /// The worker's memory is back. Its entry goes, or stays until its task is taken from it.
  void reclaimed(const handle& worker);
  /// The worker could not be forked: it is lost and its entry goes.
  void drop(const handle& worker);

  /// What the running workers of one loop have for their host.
  struct collection {
    std::vector<launch> telling;   ///< they have sent messages since the last call
    std::vector<launch> done;      ///< they have committed a result, and are collecting now
    std::vector<launch> crashing;  ///< they have noted a crash
  };
  /// All messages of a worker that is `done` were sent before and are told with it.
  [[nodiscard]] collection collect(std::size_t loop);

  /// Loses the parked and preparing workers of that group, and returns them: they are to be killed.
  [[nodiscard]] std::vector<handle> lose_parked(const zygote_group& from);

  /// A worker whose zygote is gone, or does nothing any more.
  struct orphan {
    handle worker;
    bool spared = false;  ///< it has a task, and may end it
    bool dead = false;    ///< it had died while its zygote hung: only its memory was left, and goes with the zygote
  };
  enum class with_tasks { die, go_on };
  /// Marks the workers of that group as orphans, loses those without a task, and returns those whose end the caller has
  /// to see to.
  [[nodiscard]] std::vector<orphan> take_orphans(const zygote_group& from, with_tasks those);
  [[nodiscard]] bool is_orphan(std::uint32_t number) const;

  /// The pool has ended: loses all, and forgets them.
  void clear();

 private:
  map workers_;
  std::uint32_t last_number_ = 0;
  std::size_t busy_ = 0;
  std::size_t alive_ = 0;
  const std::size_t payload_memory_;
  std::size_t kept_ = 0;  // the sum of kept() of all workers that are not lost
};

}  // namespace workit::workers
