// A program whose own code configures Asio otherwise than the library's does not link.
//
// Asio's types depend on macros (with handler tracking each operation has one member more), and workit's headers and
// its compiled code share such types. The configuration is part of a symbol's name: the library defines the symbol of
// its own one, and each file that includes this needs that of its own, so the linker says
//   undefined reference to `workit_is_built_with_asio_102600_tracking'
// Then give both the same BOOST_ASIO_ macros and the same Boost.
#pragma once

#include <boost/asio/detail/config.hpp>
#include <boost/asio/version.hpp>

#ifdef BOOST_ASIO_ENABLE_HANDLER_TRACKING
#define WORKIT_ASIO_TRACKING _tracking
#else
#define WORKIT_ASIO_TRACKING
#endif
#ifdef BOOST_ASIO_HAS_THREADS
#define WORKIT_ASIO_THREADS
#else
#define WORKIT_ASIO_THREADS _without_threads
#endif
#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
#define WORKIT_ASIO_REACTOR _by_io_uring
#elif defined(BOOST_ASIO_HAS_IO_URING)
#define WORKIT_ASIO_REACTOR _with_io_uring
#elif defined(BOOST_ASIO_HAS_EPOLL)
#define WORKIT_ASIO_REACTOR
#else
#define WORKIT_ASIO_REACTOR _without_epoll
#endif
#ifdef BOOST_ASIO_HAS_TIMERFD
#define WORKIT_ASIO_TIMERFD
#else
#define WORKIT_ASIO_TIMERFD _without_timerfd
#endif
#ifdef BOOST_ASIO_HAS_EVENTFD
#define WORKIT_ASIO_EVENTFD
#else
#define WORKIT_ASIO_EVENTFD _without_eventfd
#endif
#ifdef BOOST_ASIO_USE_TS_EXECUTOR_AS_DEFAULT
#define WORKIT_ASIO_EXECUTOR _with_ts_executors
#else
#define WORKIT_ASIO_EXECUTOR
#endif

#define WORKIT_ASIO_PASTE(version, a, b, c, d, e, f) workit_is_built_with_asio_##version##a##b##c##d##e##f
#define WORKIT_ASIO_NAME(version, a, b, c, d, e, f) WORKIT_ASIO_PASTE(version, a, b, c, d, e, f)
#define WORKIT_ASIO_CONFIGURATION                                                                      \
  WORKIT_ASIO_NAME(BOOST_ASIO_VERSION, WORKIT_ASIO_TRACKING, WORKIT_ASIO_THREADS, WORKIT_ASIO_REACTOR, \
                   WORKIT_ASIO_TIMERFD, WORKIT_ASIO_EVENTFD, WORKIT_ASIO_EXECUTOR)

extern "C" const char WORKIT_ASIO_CONFIGURATION;

namespace workit::detail {

/// Keeps the reference, whatever the linker drops.
[[gnu::used, gnu::retain]] inline const char* const asio_configuration = &WORKIT_ASIO_CONFIGURATION;

}  // namespace workit::detail
