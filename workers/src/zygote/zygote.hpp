// The template process from which workers are forked.
#pragma once

namespace workit::workers {

/// The life of a zygote, on its end of the host's socket: hello, preload, then forking workers, reaping them and
/// sweeping up what they leave, until the host says quit or is gone. Requires: a single-threaded process.
[[noreturn]] void run_zygote(int socket);

}  // namespace workit::workers
