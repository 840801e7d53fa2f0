// One connection: HTTP in, the right answer out.
#include "connection.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <workit/base/errors.hpp>
#include <workit/use_fiber.hpp>

#include "http_error.hpp"

namespace chat {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::chrono::seconds read_timeout{10};  // for the whole of a request to arrive

http::request<http::string_body> read_request(workit::scope& connection, tcp::socket& client,
                                              const request_limits& limits) {
  boost::beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  parser.body_limit(limits.body_bytes);
  boost::system::error_code failed;
  try {
    connection.scope({.name = "read request", .deadline = read_timeout}, [&](workit::scope&) {
      http::async_read(client, buffer, parser, asio::redirect_error(workit::use_fiber, failed));
    });
  } catch (const workit::timed_out&) {
    throw http_error(http::status::request_timeout, "slow_request", "the request did not arrive within 10 s");
  }
  if (failed == http::error::end_of_stream) throw boost::system::system_error(failed);
  if (failed == http::error::body_limit)
    throw http_error(http::status::payload_too_large, "too_large",
                     "the body is over " + std::to_string(limits.body_bytes) + " bytes");
  if (failed == http::error::partial_message)
    throw http_error(http::status::bad_request, "cut_off", "the request ended before its body did");
  if (failed && failed.category() == http::make_error_code(http::error::bad_method).category())
    throw http_error(http::status::bad_request, "not_http", "this is not an HTTP request: " + failed.message());
  if (failed) throw boost::system::system_error(failed);
  return parser.release();
}

void respond(tcp::socket& client, http::status status, std::string json, const char* allow = nullptr) {
  http::response<http::string_body> response(status, 11);
  response.set(http::field::content_type, "application/json");
  response.set(http::field::connection, "close");
  if (allow != nullptr) response.set(http::field::allow, allow);
  response.body() = std::move(json);
  response.body() += '\n';
  response.prepare_payload();
  http::async_write(client, response, workit::use_fiber);
}

void respond(tcp::socket& client, const http_error& e) {
  const nlohmann::json reason{{"error", {{"type", e.type()}, {"message", e.what()}}}};
  respond(client, e.status(), reason.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
          e.status() == http::status::method_not_allowed ? "POST" : nullptr);
}

/// Sends FIN and waits a little for the client's: closing at once could reset an answer that is still under way.
void finish(workit::scope& connection, tcp::socket& client) {
  boost::system::error_code ignored;
  client.shutdown(tcp::socket::shutdown_send, ignored);
  try {
    connection.scope({.name = "linger", .deadline = std::chrono::seconds(1)}, [&](workit::scope&) {
      std::array<char, 512> rest;
      boost::system::error_code gone;
      while (!gone) client.async_read_some(asio::buffer(rest), asio::redirect_error(workit::use_fiber, gone));
    });
  } catch (const workit::timed_out&) {
  }
}

void route(workit::scope& connection, tcp::socket& client, const services& with,
           const std::function<std::string()>& status_json) {
  const auto arrived = connection.now();
  const auto request = read_request(connection, client, with.limits);
  const std::string_view target(request.target().data(), request.target().size());
  if (target == "/status") {
    if (request.method() != http::verb::get)
      throw http_error(http::status::method_not_allowed, "wrong_method", "GET is the method for /status");
    return respond(client, http::status::ok, status_json());
  }
  if (target != "/chat")
    throw http_error(http::status::not_found, "unknown_path",
                     "there is no " + std::string(target) + "; POST /chat and GET /status are what there is");
  if (request.method() != http::verb::post)
    throw http_error(http::status::method_not_allowed, "wrong_method",
                     "the method is " + std::string(request.method_string()) + "; /chat takes POST");
  converse(connection, client, with, parse_chat_request(request.body(), with.limits), arrived);
}

}  // namespace

void serve(workit::scope& connection, tcp::socket client, const services& with,
           const std::function<std::string()>& status_json) {
  std::optional<http_error> refusal;
  try {
    try {
      route(connection, client, with, status_json);
    } catch (const http_error& e) {
      refusal = e;
    }
    if (refusal) respond(client, *refusal);
    finish(connection, client);
  } catch (const boost::system::system_error&) {  // the client went away
  }
}

}  // namespace chat
