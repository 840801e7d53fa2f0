// threads(): a pool of stoppable threads as a service of the runtime.
#pragma once

#include <memory>
#include <string_view>
#include <workit/preempt/why_unsupported.hpp>
#include <workit/workers/detail/warden_service.hpp>
#include <workit/workers/thread_pool.hpp>

namespace workit {

/// Carries one pool; the end of the runtime leaves no thread of it behind but those of tasks that were refused and run
/// on.
class thread_service final : public detail::warden_service {
 public:
  explicit thread_service(thread_options options);
  ~thread_service() override;

  [[nodiscard]] std::string_view name() const noexcept override { return options_.name; }
  void before_threads(runtime& owner) override;
  void stop() noexcept override;
  [[nodiscard]] std::vector<std::string> running_on() const override;

  /// Errors: asserts that the runtime has started it.
  [[nodiscard]] workers::thread_pool& pool() const;

 private:
  const thread_options options_;
  std::shared_ptr<workers::thread_pool> pool_;
  friend std::shared_ptr<workers::thread_pool> find_threads(const runtime& owner, std::string_view name);
};

/// `workit::runtime rt({}, workit::threads({.threads = 2}))`; offload({.boundary = boundary::thread}, ...) finds the
/// pool. The program links workit::preempt_thread. Errors: when the runtime starts it: start_failed with a sentence,
/// e.g. why threads cannot be stopped in this program.
[[nodiscard]] std::unique_ptr<thread_service> threads(thread_options options = {});

/// The pool of that name in a runtime; of an empty one the first. Null when there is none.
[[nodiscard]] std::shared_ptr<workers::thread_pool> find_threads(const runtime& owner, std::string_view name);

}  // namespace workit
