// event_stream: server-sent events to one client, from several fibers.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <string_view>
#include <workit/scope/executor.hpp>

namespace chat {

/// Several fibers send, one writes: a frame is never cut in two, and since the writer belongs to the connection and not
/// to the request, a request that is cancelled in the middle of a send still gets its last event out whole.
/// Format: WHATWG HTML, "Server-sent events". Threads: the fibers of one loop. Lifetime: outlives its writer.
class event_stream {
 public:
  event_stream(boost::asio::ip::tcp::socket& client, const workit::context& ctx);

  /// Queues an event; waits while the client is more than 256 KiB behind. Cancel: is a cancel point only then.
  void send(workit::context& ctx, std::string_view event, const std::string& json);
  /// Queues the last event; never waits.
  void finish(std::string_view event, const std::string& json);
  /// No more events: the writer returns once all is written.
  void close();

  /// The writer's task: answers with the header, then writes what is queued until close(). Errors: of the socket.
  void write_all();

 private:
  void append(std::string_view event, const std::string& json);

  boost::asio::ip::tcp::socket& client_;
  boost::asio::steady_timer changed_;  // cancelled to wake the writer
  std::string queued_;
  bool closed_ = false;
};

}  // namespace chat
