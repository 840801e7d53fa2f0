// The name of a function that means the same in every process of one image: build-id of its module, offset of its code.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <workit/base/errors.hpp>

namespace workit::workers {

/// Any function, by its address in this process.
using any_function = void (*)();

/// Addresses differ from process to process (ASLR); this does not. A module that was replaced on disk has another
/// build-id, so its functions are refused, not miscalled.
struct function_id {
  std::array<unsigned char, 20> module{};  ///< the GNU build-id, zero-padded
  std::uint64_t offset = 0;                ///< from the module's load address

  friend auto operator<=>(const function_id&, const function_id&) = default;
  /// Whether it names anything.
  explicit operator bool() const noexcept { return *this != function_id{}; }
};

/// The worker's image does not have a function that the host named.
class unknown_function : public start_failed {
 public:
  unknown_function()
      : start_failed(
            "the worker does not have this function's module: the host opened the library after the pool started, "
            "or it was replaced on disk; link it to the program, or open it in the pool's preload") {}
};

/// The name of `f`. Blocks: no. Threads: any.
/// Errors: start_failed when it lies in no module, or in one without a build-id (link it with -Wl,--build-id).
[[nodiscard]] function_id id_of(any_function f);
template <class R, class... P>
[[nodiscard]] function_id id_of(R (*f)(P...)) {
  return id_of(reinterpret_cast<any_function>(f));
}

/// For sentences: what people call `f`: its demangled symbol, of the program also where that is not exported, else the
/// module and the offset in it, for addr2line(1). Blocks: it may read the program's file. Threads: any.
[[nodiscard]] std::string name_of(any_function f);

/// The function of that name in this process; nothing when its module is not loaded here, or the offset is not code.
[[nodiscard]] std::optional<any_function> find_function(const function_id& id);

}  // namespace workit::workers
