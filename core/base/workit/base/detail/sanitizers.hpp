// sanitizers: WORKIT_ADDRESS_SANITIZER and WORKIT_THREAD_SANITIZER, defined in a build with that sanitizer.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define WORKIT_ADDRESS_SANITIZER 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WORKIT_THREAD_SANITIZER 1
#endif
#if defined(__has_feature)  // Clang
#if __has_feature(address_sanitizer)
#define WORKIT_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define WORKIT_THREAD_SANITIZER 1
#endif
#endif
