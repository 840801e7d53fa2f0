// Whether this translation unit is compiled for ThreadSanitizer: then WORKIT_UNDER_TSAN is defined.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define WORKIT_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WORKIT_UNDER_TSAN 1
#endif
#endif
