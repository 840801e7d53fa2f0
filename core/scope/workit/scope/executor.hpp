// executor(ctx): where Asio objects of a scope tree live.
#pragma once

#include <boost/asio/io_context.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/context.hpp>

namespace workit {

/// The executor of the scope tree's loop, for making sockets, timers and other Asio objects: only operations on such
/// objects end on the thread of the fiber that awaits them. Threads: any. Lifetime: the runtime's.
[[nodiscard]] inline boost::asio::io_context::executor_type executor(const context& ctx) noexcept {
  return ctx.node().home->io().get_executor();
}

}  // namespace workit
