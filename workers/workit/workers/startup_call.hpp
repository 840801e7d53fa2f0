// startup_call: a function that zygotes or workers call before they are ready, with its arguments.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace workit {

namespace workers {
struct remote_call;
}

/// What process_options::preload and worker_init are: nothing, a function without parameters, or what with_args() makes
/// (<workit/workers/with_args.hpp>). Threads: any; shared and constant.
class startup_call {
 public:
  startup_call() noexcept = default;
  startup_call(std::nullptr_t) noexcept {}
  template <class F>
    requires(std::convertible_to<F, void (*)()> && !std::is_null_pointer_v<std::remove_cvref_t<F>>)
  startup_call(F function)
  noexcept : plain_(function) {}
  explicit startup_call(std::shared_ptr<const workers::remote_call> call) noexcept : call_(std::move(call)) {}

  explicit operator bool() const noexcept { return plain_ != nullptr || call_ != nullptr; }
  friend bool operator==(const startup_call& call, std::nullptr_t) noexcept { return !call; }

  /// For pools: the call as it travels. Errors: start_failed when the function has no name.
  [[nodiscard]] workers::remote_call encoded() const;

 private:
  void (*plain_)() = nullptr;
  std::shared_ptr<const workers::remote_call> call_;
};

}  // namespace workit
