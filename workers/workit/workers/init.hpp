// The first line of main: what lets this program be its own worker image.
#pragma once

namespace workit {

/// Pools of worker processes start by running this program's image again; there, this call becomes the zygote, from
/// which workers are forked, and never returns. In the program itself it only notes that it was called. Tasks
/// in a worker may have pools, too.
///
///   int main(int argc, char** argv) {
///     workit::init(argc, argv);
///
/// Static objects have been constructed by then, in the zygote too; nothing else of main runs there. Without this
/// line a pool refuses to start, since running an image that does not expect it would run main a second time.
/// Blocks: no; in the zygote, for its life. Threads: main's, first. Errors: none.
void init(int argc, char** argv);

namespace workers {

/// Whether this process has called init().
[[nodiscard]] bool init_was_called() noexcept;

}  // namespace workers
}  // namespace workit
