// branches: the tasks of one composable, in the order in which they end.
#pragma once

#include <deque>
#include <workit/compose/detail/branches.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/timer.hpp>

namespace workit::detail {

class branches;

/// A task that knows which branch of which composable it is.
class branch final : public task_state_base {
 public:
  branch(branches& owner, std::size_t index, branch_body body, task_options options, scope_node& scope);

  [[nodiscard]] branch_end end() const {
    return {status(), error(), why() != nullptr ? std::optional(*why()) : std::nullopt};
  }

  const std::size_t index;
  std::size_t position = 0;  ///< among those that run

 private:
  void call(context& ctx) override { body_(ctx); }
  void drop_body() noexcept override { body_ = nullptr; }
  void settled() noexcept override;

  branches& owner_;
  branch_body body_;
};

/// Reports, from `grace` on and then each second, that something told to stop goes on.
class patience final : public timer {
 public:
  /// `complain` runs on the loop's own stack with the time waited so far; it must not suspend.
  patience(loop& home, duration grace, std::function<void(duration)> complain);
  ~patience();
  patience(const patience&) = delete;
  patience& operator=(const patience&) = delete;

  /// What has to end was, or will be, told at `at`. The first call counts.
  void start(time_point at);

 private:
  void fire() override;

  loop& home_;
  const duration grace_;
  const std::function<void(duration)> complain_;
  std::optional<time_point> told_;
};

/// Lives on the frame of the composable, around the scope of its branches. Threads: the home loop's.
class branches {
 public:
  /// Opens a scope below `ctx`, calls `drive` in it, and joins what was started; throws what context::scope says.
  /// Whatever still runs when `drive` is over has been told to stop, and is reported when it does not.
  static void run(context& ctx, std::string_view what, duration grace, const std::function<void(branches&)>& drive);
  branches(const branches&) = delete;
  branches& operator=(const branches&) = delete;

  /// `vital`: a failure stops all the others. Cancel: is a cancel point.
  void start(std::size_t index, branch_body body, bool vital);
  /// Waits for the next branch to end. Cancel: is a cancel point, if none has ended yet.
  std::shared_ptr<branch> next();
  /// The same, but null if none has ended by `until`.
  std::shared_ptr<branch> next_until(time_point until);
  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  /// Tells all that still run that `winner` has won.
  void dismiss(const branch& winner);
  /// A branch that ended as cancelled counts for nothing; if that is because all this is being stopped, `cancelled` is
  /// thrown. Returns the error that else stands for it.
  std::exception_ptr error_of(const branch& ended);

 private:
  friend class branch;
  branches(context& ctx, std::string_view what, duration grace);
  void ended(branch& b) noexcept;

  fiber& self_;
  const std::string what_;
  scope_node* scope_ = nullptr;
  std::vector<branch*> running_;
  std::deque<std::shared_ptr<branch>> ended_;
  patience patience_;
};

}  // namespace workit::detail
