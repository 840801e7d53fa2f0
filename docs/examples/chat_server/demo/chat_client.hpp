// chat_client: asks the chat server as a browser would, and reads its events.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace demo {

/// CLOCK_MONOTONIC in nanoseconds: one clock for all processes of the machine.
[[nodiscard]] std::int64_t now_ns();

struct server_event {
  std::string name;
  nlohmann::json data;
  std::int64_t at_ns = 0;  ///< when it was read
};

/// One request. Blocks: in every call. Threads: one. Errors: boost::system::system_error.
class chat_client {
 public:
  /// Connects and sends.
  chat_client(std::uint16_t port, const nlohmann::json& body);
  /// The next event; nothing once the server has closed the connection.
  std::optional<server_event> next();
  /// Hangs up; the instant of it.
  std::int64_t hang_up();
  /// Just before it connected: what a person waits from.
  [[nodiscard]] std::int64_t began_ns() const noexcept { return began_ns_; }
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
  std::string buffer_;
  std::int64_t began_ns_;
  int status_ = 0;
};

/// GET, as JSON.
[[nodiscard]] nlohmann::json get_json(std::uint16_t port, const std::string& path);

}  // namespace demo
