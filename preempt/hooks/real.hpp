// The function behind an interposed one.
#pragma once

// Function types that are template arguments lose libc's attributes (nonnull); no code here relies on them.
#pragma GCC diagnostic ignored "-Wignored-attributes"

#include <workit/preempt/thread_mark.hpp>

/// Interposed functions are in a section of their own, by which a walk recognises them.
#define WORKIT_INTERPOSED extern "C" [[gnu::section("workit_rt"), gnu::visibility("default")]]
/// One that libstdc++ or libgcc has, too: where these are linked statically the program links, and says why it cannot
/// have stoppable threads (announce.cpp, thread_support.cpp).
#define WORKIT_INTERPOSED_WEAKLY WORKIT_INTERPOSED [[gnu::weak]]
/// The slow paths of interposed functions are in that section, too.
#define WORKIT_RT [[gnu::section("workit_rt"), gnu::noinline]]

namespace workit::preempt {

/// Ends the process when there is no such function: libc and libstdc++ of Debian 12 have them all.
void* find_next(const char* name) noexcept;

/// The next definition of `name` after the executable's. Found at the first call, or by announce's resolve(): a lookup
/// takes the loader's lock.
template <class Function>
class real {
 public:
  constexpr explicit real(const char* name) noexcept : name_(name) {}
  [[gnu::always_inline]] Function* get() noexcept {
    if (__builtin_expect(found_ == nullptr, 0)) resolve();
    return found_;
  }
  /// Whether known() has a function. For interposed functions whose fast path has no frame.
  [[gnu::always_inline]] bool is_known() const noexcept { return found_ != nullptr; }
  [[gnu::always_inline]] Function* known() const noexcept { return found_; }
  void resolve() noexcept { found_ = reinterpret_cast<Function*>(find_next(name_)); }

 private:
  const char* name_;
  Function* found_ = nullptr;
};

}  // namespace workit::preempt
