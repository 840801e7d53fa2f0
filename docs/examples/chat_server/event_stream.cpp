// Server-sent events: one writer, woken by a timer that never expires.
#include "event_stream.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <workit/use_fiber.hpp>

namespace chat {
namespace {

constexpr std::size_t most_behind = 256 * 1024;  // bytes
constexpr std::string_view header =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";

}  // namespace

event_stream::event_stream(boost::asio::ip::tcp::socket& client, const workit::context& ctx)
    : client_(client), changed_(workit::executor(ctx), boost::asio::steady_timer::time_point::max()) {}

void event_stream::append(std::string_view event, const std::string& json) {
  queued_.append("event: ").append(event).append("\ndata: ").append(json).append("\n\n");
  changed_.cancel();
}

void event_stream::send(workit::context& ctx, std::string_view event, const std::string& json) {
  while (queued_.size() > most_behind) ctx.sleep_for(std::chrono::milliseconds(5));
  append(event, json);
}

void event_stream::finish(std::string_view event, const std::string& json) { append(event, json); }

void event_stream::close() {
  closed_ = true;
  changed_.cancel();
}

void event_stream::write_all() {
  boost::asio::async_write(client_, boost::asio::buffer(header), workit::use_fiber);
  for (;;) {
    while (!queued_.empty()) {
      const auto batch = std::exchange(queued_, {});
      boost::asio::async_write(client_, boost::asio::buffer(batch), workit::use_fiber);
    }
    if (closed_) return;
    boost::system::error_code woken;
    changed_.async_wait(boost::asio::redirect_error(workit::use_fiber, woken));
  }
}

}  // namespace chat
