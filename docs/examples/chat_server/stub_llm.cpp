// stub_llm: a language model that streams words at a steady pace and keeps the bill.
//
// POST /v1/chat/completions streams an answer; GET /bill lists, per connection, the instants (CLOCK_MONOTONIC, ns) at
// which tokens were produced and, once it has ended, when and how. A process of its own: what it counts is what a
// provider would charge.
#include <CLI/CLI.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <workit/scope/executor.hpp>
#include <workit/use_fiber.hpp>
#include <workit/workit.hpp>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using json = nlohmann::json;

struct settings {
  std::uint16_t port = 0;
  unsigned tokens = 40;
  unsigned pace_ms = 20;
};

/// What one stream has cost.
struct charge {
  std::vector<std::int64_t> produced_ns{};
  std::int64_t closed_ns = 0;
  bool finished = false;
};

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::string chunk(const std::string& event) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", event.size());
  return size + event + "\r\n";
}

std::string token_event(unsigned i) {
  static constexpr const char* words[] = {"A ", "package ", "that ", "fits ", "is ", "listed ", "first ", "below. "};
  const json event{{"object", "chat.completion.chunk"},
                   {"choices", json::array({{{"index", 0}, {"delta", {{"content", words[i % std::size(words)]}}}}})}};
  return "data: " + event.dump() + "\n\n";
}

/// Produces a token every `pace`, until all are out or the client has closed the connection.
void stream(workit::scope& connection, tcp::socket& client, const settings& s, charge& bill) {
  constexpr std::string_view head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  asio::async_write(client, asio::buffer(head), workit::use_fiber);
  try {
    connection.scope({.name = "stream"}, [&](workit::scope& scope) {
      auto watcher = scope.spawn({.name = "client"}, [&](workit::context& ctx) {
        char ignored[64];
        boost::system::error_code gone;
        while (!gone) client.async_read_some(asio::buffer(ignored), asio::redirect_error(workit::use_fiber, gone));
        ctx.check();
        bill.closed_ns = now_ns();
        scope.cancel("client_closed");
      });
      for (unsigned i = 0; i < s.tokens; ++i) {
        scope.sleep_for(std::chrono::milliseconds(s.pace_ms));
        bill.produced_ns.push_back(now_ns());
        const auto event = chunk(token_event(i));
        asio::async_write(client, asio::buffer(event), workit::use_fiber);
      }
      const auto end = chunk("data: [DONE]\n\n") + "0\r\n\r\n";
      asio::async_write(client, asio::buffer(end), workit::use_fiber);
      bill.finished = true;
      watcher.cancel("done");
    });
  } catch (const workit::scope_cancelled&) {  // closed by the client, and noted
  }
  if (bill.closed_ns == 0) bill.closed_ns = now_ns();
}

json list(const std::vector<std::unique_ptr<charge>>& bills) {
  auto all = json::array();
  for (const auto& b : bills)
    all.push_back({{"tokens", b->produced_ns.size()},
                   {"produced_ns", b->produced_ns},
                   {"closed_ns", b->closed_ns},
                   {"finished", b->finished}});
  return all;
}

void serve(workit::scope& connection, tcp::socket client, const settings& s,
           std::vector<std::unique_ptr<charge>>& bills) try {
  boost::beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::async_read(client, buffer, request, workit::use_fiber);
  if (request.method() == http::verb::post) {
    bills.push_back(std::make_unique<charge>());
    return stream(connection, client, s, *bills.back());
  }
  http::response<http::string_body> answer(http::status::ok, 11);
  answer.set(http::field::content_type, "application/json");
  answer.set(http::field::connection, "close");
  answer.body() = list(bills).dump();
  answer.prepare_payload();
  http::async_write(client, answer, workit::use_fiber);
} catch (const boost::system::system_error&) {  // the client went away
}

int run(const settings& s) {
  std::vector<std::unique_ptr<charge>> bills;
  workit::runtime rt;
  rt.run({.name = "stub_llm"}, [&](workit::scope& server) {
    tcp::acceptor acceptor(workit::executor(server), {asio::ip::address_v4::loopback(), s.port});
    std::cerr << "stub_llm: http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    auto intake = server.spawn({.name = "accept"}, [&](workit::context&) {
      for (;;) {
        auto client = std::make_shared<tcp::socket>(acceptor.async_accept(workit::use_fiber));
        server.spawn({.name = "connection", .background = true}, [&, client](workit::context& ctx) {
          ctx.scope([&](workit::scope& c) { serve(c, std::move(*client), s, bills); });
        });
      }
    });
    asio::signal_set stop(workit::executor(server), SIGTERM, SIGINT);
    stop.async_wait(workit::use_fiber);
    server.cancel("stopped");
    server.check();
  });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Streams words as an OpenAI-compatible language model would, and counts them.");
  app.option_defaults()->always_capture_default();
  app.add_option("--port", s.port, "port on 127.0.0.1; 0 picks one");
  app.add_option("--tokens", s.tokens, "of one answer")->check(CLI::Range(1, 1'000'000));
  app.add_option("--pace", s.pace_ms, "milliseconds between tokens")->check(CLI::Range(1, 10'000));
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(s);
  } catch (const workit::scope_cancelled&) {
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "stub_llm: " << e.what() << '\n';
    return 1;
  }
}
