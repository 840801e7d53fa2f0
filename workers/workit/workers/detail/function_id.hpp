// The name of a function that means the same in every process of one image: its module, and the offset of its code.
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

/// What tells a module from all others: the file that is mapped, by which the linker itself tells them apart, and the
/// build-id of what stands in it. A copy of a library, which has state of its own, is another module; so is a file that
/// has taken the place of this one on disk, whatever its build-id.
struct module_id {
  std::array<unsigned char, 20> build{};  ///< the GNU build-id, zero-padded
  std::uint64_t device = 0;               ///< of the file, as /proc/self/maps gives it
  std::uint64_t inode = 0;                ///< 0: no file is mapped

  friend auto operator<=>(const module_id&, const module_id&) = default;
};

/// Addresses differ from process to process (ASLR); this does not.
struct function_id {
  module_id module{};
  std::uint64_t offset = 0;  ///< from the module's load address

  friend auto operator<=>(const function_id&, const function_id&) = default;
  /// Whether it names anything.
  explicit operator bool() const noexcept { return *this != function_id{}; }
};

/// The worker's image does not have a function that the host named; what() says what it has instead.
class unknown_function : public start_failed {
 public:
  using start_failed::start_failed;
};

/// The name of `f`. Blocks: after the linker has loaded or unloaded something, while /proc/self/maps is read.
/// Threads: any. Errors: start_failed when it lies in no module, in one without a build-id (link it with
/// -Wl,--build-id), or in one that is no file.
[[nodiscard]] function_id id_of(any_function f);
template <class R, class... P>
[[nodiscard]] function_id id_of(R (*f)(P...)) {
  return id_of(reinterpret_cast<any_function>(f));
}

/// For sentences: what people call `f`: its demangled symbol, of the program also where that is not exported, else the
/// module and the offset in it, for addr2line(1). Blocks: it may read the program's file. Threads: any.
[[nodiscard]] std::string name_of(any_function f);

/// The function of that name in this process; nothing when its module is not loaded here, or the offset is not code.
/// Blocks, Threads: as id_of(). Errors: start_failed when /proc/self/maps cannot be read.
[[nodiscard]] std::optional<any_function> find_function(const function_id& id);

/// The same for a name that came from the host. Errors: unknown_function.
[[nodiscard]] any_function require_function(const function_id& id);

}  // namespace workit::workers
