// Which code owns an address: this decides whether a task may be left there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct link_map;

namespace workit::preempt {

/// The owner of the code of one frame.
enum class code_owner : std::uint8_t {
  task,       ///< the executable, or a module registered as preemptible: may be left anywhere
  pure,       ///< holds no state between calls: libm, the vDSO, memcpy and its kin
  sorter,     ///< a library function that holds no lock while it calls back: may be left with what it calls
  runtime,    ///< the interposed calls and the switches
  boundary,   ///< workit_run_on_stack: the task's frames end here
  allocator,  ///< malloc and its kin: foreign, with a name of its own
  unwinder,   ///< libgcc_s: neither left nor hijacked
  foreign,    ///< any other library
};

/// The modules of the process at one moment. A published map is never freed, since a handler may be reading it.
class code_map {
 public:
  /// The latest. Never null once refresh() has run. Async-signal-safe.
  [[nodiscard]] static const code_map* current() noexcept;
  /// Makes a new one when modules came or went. Blocks: for the loader's lock. Not in a handler.
  static void refresh();
  /// From the next refresh() on the module of that base name ("libscore.so") is the task's own.
  static void allow(std::string module);

  struct answer {
    code_owner owner = code_owner::foreign;
    const char* module = "";  ///< for messages; lives for ever
  };
  /// Async-signal-safe: _dl_find_object takes no lock (glibc manual, "Dynamic Linker Introspection": AS-Safe).
  [[nodiscard]] answer of(std::uintptr_t pc) const noexcept;

 private:
  struct range {
    std::uintptr_t low = 0, high = 0;
    code_owner owner = code_owner::pure;
    [[nodiscard]] bool has(std::uintptr_t pc) const noexcept { return pc >= low && pc < high; }
  };
  struct module {
    const link_map* map = nullptr;
    code_owner owner = code_owner::foreign;
    const char* name = "";
  };

  void add_modules();
  void add_function(const char* name, code_owner owner);

  std::vector<module> modules_;
  std::vector<range> functions_;
  range vdso_;
  unsigned long long changes_ = 0;  // modules added plus removed, ever, when this was made
};

}  // namespace workit::preempt
