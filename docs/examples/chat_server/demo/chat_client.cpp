// A blocking client, as simple as can be: it must not depend on what it measures.
#include "chat_client.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace demo {
namespace {

using boost::asio::ip::tcp;

void connect(tcp::socket& socket, std::uint16_t port) {
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
  socket.set_option(tcp::no_delay(true));
}

bool read_more(tcp::socket& socket, std::string& buffer) {
  std::array<char, 16384> piece;
  boost::system::error_code ended;
  const auto n = socket.read_some(boost::asio::buffer(piece), ended);
  buffer.append(piece.data(), n);
  return !ended;
}

}  // namespace

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

chat_client::chat_client(std::uint16_t port, const nlohmann::json& body) : began_ns_(now_ns()) {
  connect(socket_, port);
  const auto text = body.dump();
  const auto request = "POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(text.size()) + "\r\n\r\n" + text;
  boost::asio::write(socket_, boost::asio::buffer(request));
}

std::optional<server_event> chat_client::next() {
  while (status_ == 0) {
    if (const auto end = buffer_.find("\r\n\r\n"); end != std::string::npos) {
      status_ = std::stoi(buffer_.substr(9, 3));  // "HTTP/1.1 200 OK"
      buffer_.erase(0, end + 4);
    } else if (!read_more(socket_, buffer_)) {
      return std::nullopt;
    }
  }
  for (;;) {
    if (const auto end = buffer_.find("\n\n"); end != std::string::npos) {
      const auto frame = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      const auto line = frame.find('\n');
      if (!frame.starts_with("event: ") || line == std::string::npos) continue;
      return server_event{frame.substr(7, line - 7), nlohmann::json::parse(frame.substr(line + 7)), now_ns()};
    }
    if (!read_more(socket_, buffer_)) return std::nullopt;
  }
}

std::int64_t chat_client::hang_up() {
  socket_.close();
  return now_ns();
}

nlohmann::json get_json(std::uint16_t port, const std::string& path) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  connect(socket, port);
  boost::asio::write(socket, boost::asio::buffer("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  std::string answer;
  while (read_more(socket, answer)) {
  }
  return nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
}

}  // namespace demo
