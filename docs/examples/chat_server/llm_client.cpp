// Streams a completion: HTTP/1.1 by Beast, server-sent events by line, JSON by nlohmann.
#include "llm_client.hpp"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <workit/scope/executor.hpp>
#include <workit/use_fiber.hpp>

namespace chat {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::size_t longest_line = 1024 * 1024;

[[noreturn]] void fail(const llm_endpoint& at, const std::string& what) {
  throw llm_error("the language model at " + at.host + ':' + at.port + ' ' + what);
}

/// Cuts the body into lines and hands on what "data: " lines carry; true at "[DONE]".
class event_lines {
 public:
  explicit event_lines(const std::function<void(const std::string&)>& on_token) : on_token_(on_token) {}

  bool feed(std::string_view bytes, const llm_endpoint& from) {
    rest_.append(bytes);
    if (rest_.size() > longest_line) fail(from, "sent a line of over 1 MiB");
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.starts_with("data:")) continue;
      line.erase(0, line.starts_with("data: ") ? 6 : 5);
      if (line == "[DONE]") return true;
      deliver(line, from);
    }
    return false;
  }
  [[nodiscard]] std::size_t tokens() const noexcept { return tokens_; }

 private:
  void deliver(const std::string& data, const llm_endpoint& from) {
    const auto event = nlohmann::json::parse(data, nullptr, false);
    if (event.is_discarded()) fail(from, "sent an event that is not JSON");
    static const nlohmann::json::json_pointer content("/choices/0/delta/content");
    if (!event.contains(content) || !event[content].is_string()) return;  // a role, a finish reason
    ++tokens_;
    on_token_(event[content].get_ref<const std::string&>());
  }

  const std::function<void(const std::string&)>& on_token_;
  std::string rest_;
  std::size_t tokens_ = 0;
};

http::request<http::string_body> make_request(const llm_endpoint& to, const std::string& query) {
  http::request<http::string_body> request(http::verb::post, to.path, 11);
  request.set(http::field::host, to.host);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::accept, "text/event-stream");
  if (!to.api_key.empty()) request.set(http::field::authorization, "Bearer " + to.api_key);
  const nlohmann::json body{{"model", to.model},
                            {"stream", true},
                            {"messages", nlohmann::json::array({{{"role", "user"}, {"content", query}}})}};
  request.body() = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  request.prepare_payload();
  return request;
}

}  // namespace

llm_endpoint parse_llm_url(std::string_view url) {
  const auto refuse = [&](const char* why) -> std::invalid_argument {
    return std::invalid_argument("the URL of the language model is \"" + std::string(url) + "\", " + why +
                                 "; it may be http://host[:port][/path]");
  };
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) throw refuse("which does not begin with http://");
  auto rest = url.substr(scheme.size());
  llm_endpoint endpoint;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    if (rest.size() > slash + 1) endpoint.path = rest.substr(slash);
    rest = rest.substr(0, slash);
  }
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos && rest.back() != ']') {
    endpoint.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  endpoint.host = rest;
  if (endpoint.host.empty() || endpoint.port.find_first_not_of("0123456789") != std::string::npos ||
      endpoint.port.empty())
    throw refuse("which has no host or no proper port");

  asio::io_context io;
  tcp::resolver resolver(io);
  auto name = endpoint.host;
  if (name.front() == '[') name = name.substr(1, name.size() - 2);
  boost::system::error_code failed;
  for (const auto& found : resolver.resolve(name, endpoint.port, failed))
    endpoint.addresses.push_back(found.endpoint());
  if (failed || endpoint.addresses.empty())
    throw refuse(("whose host cannot be found (" + failed.message() + ')').c_str());
  return endpoint;
}

std::size_t stream_completion(workit::context& ctx, const llm_endpoint& endpoint, const std::string& query,
                              const std::function<void(const std::string&)>& on_token) try {
  tcp::socket connection(workit::executor(ctx));
  asio::async_connect(connection, endpoint.addresses, workit::use_fiber);
  connection.set_option(tcp::no_delay(true));
  auto request = make_request(endpoint, query);
  http::async_write(connection, request, workit::use_fiber);

  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::async_read_header(connection, buffer, parser, workit::use_fiber);
  if (parser.get().result() != http::status::ok)
    fail(endpoint, "answered with status " + std::to_string(parser.get().result_int()));

  event_lines lines(on_token);
  std::array<char, 8192> piece;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    parser.get().body().more = true;
    boost::system::error_code failed;
    http::async_read_some(connection, buffer, parser, asio::redirect_error(workit::use_fiber, failed));
    if (failed && failed != http::error::need_buffer) {
      ctx.check();  // cut off by our own cancellation
      fail(endpoint, "broke the stream off: " + failed.message());
    }
    const auto got = piece.size() - parser.get().body().size;
    if (lines.feed({piece.data(), got}, endpoint)) break;
  }
  return lines.tokens();
} catch (const boost::system::system_error& e) {
  fail(endpoint, "cannot be reached: " + e.code().message());
}

}  // namespace chat
