// startup_call: a function that zygotes or workers call before they are ready, with its arguments.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <workit/workers/detail/function_id.hpp>

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
  noexcept : code_(function) {}
  /// `code`, or where that is null `type`, is what name() tells.
  startup_call(std::shared_ptr<const workers::remote_call> call, workers::any_function code,
               const std::type_info& type) noexcept
      : code_(code), type_(&type), call_(std::move(call)) {}

  explicit operator bool() const noexcept { return code_ != nullptr || call_ != nullptr; }
  friend bool operator==(const startup_call& call, std::nullptr_t) noexcept { return !call; }

  /// For pools: the call as it travels. Errors: start_failed when the function has no name.
  [[nodiscard]] workers::remote_call encoded() const;
  /// For sentences: what people call the function, as workers::name_of().
  [[nodiscard]] std::string name() const;

 private:
  workers::any_function code_ = nullptr;
  const std::type_info* type_ = nullptr;
  std::shared_ptr<const workers::remote_call> call_;
};

}  // namespace workit
