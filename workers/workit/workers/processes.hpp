// processes(): pools of worker processes as a service of the runtime.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/workers/detail/warden_service.hpp>
#include <workit/workers/process_pool.hpp>

namespace workit {

/// Carries the pool that it was made with, and those that are opened later; the end of the runtime leaves no process of
/// theirs behind. Threads: any, unless said; the service's own calls as service says.
class process_service final : public detail::warden_service {
 public:
  /// With a pool that starts before the I/O threads do.
  explicit process_service(process_options options);
  /// Without one as yet.
  process_service();
  ~process_service() override;

  [[nodiscard]] std::string_view name() const noexcept override { return first_.name; }
  void before_threads(runtime& owner) override;
  void drain(deadline_point until) noexcept override;
  void stop() noexcept override;

  /// The pool it was made with. Errors: asserts that there is one, and that the runtime has started it.
  [[nodiscard]] workers::process_pool& pool() const;
  /// The pool of that name; of an empty one the first; null when there is none.
  [[nodiscard]] std::shared_ptr<workers::process_pool> find(std::string_view name) const;

  /// Starts one more pool; offload finds it when this returns. The process may have threads by then.
  /// Blocks: the thread, for its preload and some milliseconds; misuse on an I/O thread.
  /// Errors: start_failed with a sentence; also when this service has a pool of that name, or has ended.
  std::shared_ptr<workers::process_pool> open(process_options options);
  /// Stops the pool of that name and forgets it; its tasks end as process_pool::stop() says, and its name is free
  /// again. Blocks: as that; misuse on an I/O thread. Errors: start_failed when there is no such pool.
  workers::shutdown_report close(std::string_view name, workers::shutdown_options how = {});

 private:
  struct member;
  using members = std::vector<member>;
  [[nodiscard]] std::shared_ptr<const members> snapshot() const;
  std::shared_ptr<workers::process_pool> add(process_options options);
  void change(const std::shared_ptr<workers::process_pool>& pool, bool add, bool open);

  const process_options first_;
  const bool has_first_;
  std::vector<int> loops_;
  workers::process_pool::wake_loop wake_;
  mutable thread_mutex mutex_;
  std::shared_ptr<const members> members_ WORKIT_GUARDED_BY(mutex_);  // replaced, never changed
  bool ended_ WORKIT_GUARDED_BY(mutex_) = false;
};

/// `workit::runtime rt({}, workit::processes({.workers = 2}))`; offload finds the pool by its name. A runtime may have
/// several, each with a zygote and a preload of its own.
/// Errors: when the runtime starts it: start_failed with a sentence, e.g. when main does not call workit::init first.
[[nodiscard]] std::unique_ptr<process_service> processes(process_options options = {});

/// For a runtime whose pools are all opened later.
[[nodiscard]] std::unique_ptr<process_service> processes_later();

/// The pool of that name in a runtime, whichever service has it; of an empty one the first. Null when there is none.
[[nodiscard]] std::shared_ptr<workers::process_pool> find_pool(const runtime& owner, std::string_view name);

/// process_service::open() of the runtime's first such service. Errors: start_failed also when it has none.
std::shared_ptr<workers::process_pool> open_pool(runtime& owner, process_options options);

/// process_service::close() of the service that has it.
workers::shutdown_report close_pool(runtime& owner, std::string_view name, workers::shutdown_options how = {});

}  // namespace workit
