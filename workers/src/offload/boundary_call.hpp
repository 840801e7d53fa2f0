// One call behind a worker boundary, as the fiber that waits for it sees it.
#pragma once

#include <memory>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/receipt.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/context.hpp>
#include <workit/workers/offload.hpp>

namespace workit::detail {

/// What a runtime without pools says of itself: how it would have been made with one, as in "workit::arena()". In a
/// worker it is not the caller's to make.
[[nodiscard]] std::string why_no_pool(const context& ctx, const std::string& service);

/// What every boundary needs to know of a call. Lives as long as the call.
struct call_site {
  context& ctx;
  fiber& waiter;
  cancel_cell::ptr cell;  ///< its cancellation stops the call
  const offload_options& options;
  const workers::remote_call& call;
  deadline_point until;  ///< in machine time; never under a manual clock
  std::size_t attempt = 1;
};

/// Made for one call, held by a shared pointer. Threads: the waiter's home, unless said.
class boundary_call {
 public:
  virtual ~boundary_call() = default;

  /// Hands the call to its pool and waits for settle(). Blocks: the fiber. Cancel: by the cell only; the wait itself is
  /// not given up. Requires: `self` is this.
  void run(std::shared_ptr<boundary_call> self, const char* what);

  /// Null unless it was stopped.
  [[nodiscard]] virtual std::shared_ptr<receipt_slot> stop() const = 0;
  [[nodiscard]] virtual const worker_usage& used() const = 0;
  /// Its value, once, or its error. Requires: it was not stopped.
  virtual workers::encoded_result take() = 0;
  /// Its worker died by itself, so that another may do better.
  [[nodiscard]] virtual bool lost_its_worker() const { return false; }

 protected:
  explicit boundary_call(const call_site& site)
      : context_(site.ctx), waiter_(site.waiter), home_(site.waiter.home.shared_from_this()) {}

  /// May lead to settle() before it returns.
  virtual void submit() = 0;
  /// The call has ended: lets the fiber go on. Threads: any; once.
  void settle() noexcept;
  /// The answer is on its way from another processor: the loop looks for it, for 50 us, before it sleeps. Threads: the
  /// loop's.
  void spin_for_answer() noexcept;

  context& context_;
  fiber& waiter_;
  const std::shared_ptr<loop> home_;
  bool done_ = false;

 private:
  void wake() noexcept;
  /// Where calls follow one another closely, the worker is still awake, and the loop spins as above. Else it sleeps at
  /// once, because the kernel likes to wake the worker on the caller's processor.
  void spin_if_awake() noexcept;

  std::shared_ptr<boundary_call> self_;  // until settled: the caller of settle() may hold the only other reference
};

/// One of these is right for options.boundary. Errors: start_failed when there is no such pool.
std::shared_ptr<boundary_call> make_process_call(const call_site& site);
std::shared_ptr<boundary_call> make_thread_call(const call_site& site);
std::shared_ptr<boundary_call> make_cooperative_call(const call_site& site);

}  // namespace workit::detail
