// arena(): a oneTBB arena as a service of the runtime, for CPU work that asks whether it is to stop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <workit/workers/detail/warden_service.hpp>

namespace workit {

struct arena_options {
  /// For messages, and for offload_options::pool; at most 64 characters.
  std::string name = "arena";
  /// Threads that work in it at once, at most 1024; 0: default_concurrency(). They are oneTBB's, which all arenas of
  /// the process share.
  std::size_t threads = 0;
};

/// Guarantees: when it has stopped, no thread of oneTBB's is left, unless the program uses oneTBB elsewhere.
class arena_service final : public detail::warden_service {
 public:
  /// Errors: start_failed for options, with a sentence.
  explicit arena_service(arena_options options);
  ~arena_service() override;

  [[nodiscard]] std::string_view name() const noexcept override { return options_.name; }
  void start(runtime& owner) override;
  void before_threads(runtime& owner) override;
  void stop() noexcept override;

  /// Runs `work` on a thread of the arena, soon; it does not throw. Threads: any. Blocks: no.
  void enqueue(std::function<void()> work);

 private:
  struct state;
  const arena_options options_;
  std::unique_ptr<state> state_;
};

/// `workit::runtime rt({}, workit::arena({.threads = 4}))`; offload({.boundary = boundary::cooperative}, ...) finds it.
[[nodiscard]] std::unique_ptr<arena_service> arena(arena_options options = {});

}  // namespace workit
