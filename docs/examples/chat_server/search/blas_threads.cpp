// Keeps OpenBLAS on the calling thread.
#include "search/blas_threads.hpp"

#include <cblas.h>

// OpenBLAS's own handler for pthread_atfork, exported but in none of its headers. Weak: a serial build lacks it.
extern "C" [[gnu::weak]] int blas_thread_shutdown_();

namespace chat {

// The process that loads the encoder is a template that forks workers, and a process that forks must have one thread:
// the child has only the thread that forked, so a lock another held stays locked in it for ever. OpenBLAS starts a
// helper per further CPU before main, and openblas_set_num_threads(1) only lets them idle (it even restarts them after
// a fork); hence the shutdown after it. With one thread per call nothing starts them anew.
void use_calling_thread_only() noexcept {
  openblas_set_num_threads(1);
  if (blas_thread_shutdown_ != nullptr) blas_thread_shutdown_();
}

}  // namespace chat
