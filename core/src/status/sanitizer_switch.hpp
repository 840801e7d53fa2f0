// What AddressSanitizer has to be told about the stacks of fibers, since it does not see their switches.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WORKIT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WORKIT_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(WORKIT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace workit::detail {

/// Forgets the marks of frames in [bottom, bottom + bytes): those that were never left, such as the first
/// ones of every fiber, would make the next user of this memory look like a culprit. Nothing in other builds.
inline void forget_frames([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WORKIT_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(bottom, bytes);
#endif
}

}  // namespace workit::detail
