// processes(): a pool of worker processes as a service of the runtime.
#pragma once

#include <memory>
#include <workit/base/service.hpp>
#include <workit/workers/process_pool.hpp>

namespace workit {

/// The pool as the runtime carries it: its zygote is started before the I/O threads, its end leaves no process behind.
/// Threads: as service says.
class process_service final : public service {
 public:
  explicit process_service(process_options options) : options_(std::move(options)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return options_.name; }
  void before_threads(runtime& owner) override;
  void drain(deadline until) noexcept override;
  void stop() noexcept override;

  /// Errors: asserts that the runtime has started it.
  [[nodiscard]] workers::process_pool& pool() const;

 private:
  const process_options options_;
  std::unique_ptr<workers::process_pool> pool_;
};

/// `workit::runtime rt({}, workit::processes({.workers = 2}))`; offload finds the pool by its name.
/// Errors: when the runtime starts it: start_failed with a sentence, e.g. when main does not call workit::init first.
[[nodiscard]] inline std::unique_ptr<process_service> processes(process_options options = {}) {
  return std::make_unique<process_service>(std::move(options));
}

}  // namespace workit
