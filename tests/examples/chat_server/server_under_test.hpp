// A running chat server with its language model, for one test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <optional>

#include "chat_client.hpp"
#include "child_process.hpp"

namespace chat::test {

using boost::asio::ip::tcp;
using nlohmann::json;

inline std::string model_directory() {
  const char* dir = std::getenv("CHAT_MODEL_DIR");
  if (dir == nullptr)
    throw std::runtime_error("CHAT_MODEL_DIR is not set: ./dev test sets it, and fetches the model it names");
  return dir;
}

/// Starts the server once per test; everything of it is gone afterwards.
class server_under_test {
 public:
  explicit server_under_test(std::vector<std::string> more = {}, std::vector<std::string> llm_options = {})
      : llm(STUB_LLM, std::move(llm_options), output),
        server(CHAT_SERVER, arguments(llm.port(), std::move(more)), output) {
    port = server.port();
  }

  [[nodiscard]] json status() const { return demo::get_json(port, "/status"); }

  /// The receipts that the server has printed so far.
  [[nodiscard]] std::vector<json> receipts() const {
    std::vector<json> all;
    const auto out = server.out();
    for (std::size_t at = 0, end; (end = out.find('\n', at)) != std::string::npos; at = end + 1)
      all.push_back(json::parse(out.substr(at, end - at)));
    return all;
  }
  [[nodiscard]] json await_receipt(std::size_t number = 1) const {
    for (;;) {
      if (auto all = receipts(); all.size() >= number) return all[number - 1];
      usleep(2000);
    }
  }
  /// Waits until no worker is busy, missing or unreclaimed. (The runner has the only time limit.)
  [[nodiscard]] json settle() const {
    for (;;) {
      if (auto s = status(); s.at("busy") == 0 && s.at("idle") == 3 && s.at("unreclaimed") == 0) return s;
      usleep(2000);
    }
  }

  demo::scratch_folder output;
  demo::child_process llm;
  demo::child_process server;
  std::uint16_t port = 0;

 private:
  static std::vector<std::string> arguments(std::uint16_t llm_port, std::vector<std::string> more) {
    std::vector<std::string> all{"--port",       "0", "--model",  model_directory(),
                                 "--workers",    "2", "--spares", "1",
                                 "--max-tokens", "0", "--llm",    "http://127.0.0.1:" + std::to_string(llm_port)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

/// A connection that sends what it is told and reads what comes.
class raw_client {
 public:
  raw_client(std::uint16_t port, const std::string& bytes) {
    socket.connect({boost::asio::ip::address_v4::loopback(), port});
    boost::asio::write(socket, boost::asio::buffer(bytes));
  }
  /// All that the server has to say, until it closes.
  std::string read_all() {
    std::string text;
    std::array<char, 4096> piece;
    boost::system::error_code ended;
    while (!ended) text.append(piece.data(), socket.read_some(boost::asio::buffer(piece), ended));
    return text;
  }

  boost::asio::io_context io;
  tcp::socket socket{io};
};

inline std::string post(const std::string& body, const std::string& path = "/chat",
                        const std::string& method = "POST") {
  return method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// About 22,000 tokens in one piece: a forward pass of tens of seconds.
inline std::string poison() {
  std::string text;
  while (text.size() < 80 * 1024)
    text += "the package provides a library of routines for the analysis of long documents ";
  return text;
}

}  // namespace chat::test
