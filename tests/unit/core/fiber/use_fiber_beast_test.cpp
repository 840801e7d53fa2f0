// use_fiber with Boost.Beast: HTTP over sockets, cancelled midway.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>
#include <support/fixture.hpp>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

namespace workit {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

class UseFiberWithBeast : public test::runtime_test {
 protected:
  static tcp::acceptor listen(context& ctx) {
    return tcp::acceptor(executor(ctx), tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  }
  static beast::tcp_stream connect(context& ctx, const tcp::endpoint& to) {
    beast::tcp_stream stream(executor(ctx));
    stream.async_connect(to, use_fiber);
    return stream;
  }
  static void serve_one(beast::tcp_stream& stream) {
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::async_read(stream, buffer, request, use_fiber);
    http::response<http::string_body> response(http::status::ok, request.version());
    response.body() = "you said " + request.body();
    response.prepare_payload();
    http::async_write(stream, response, use_fiber);
  }
  static http::request<http::string_body> hello() {
    http::request<http::string_body> request(http::verb::post, "/", 11);
    request.body() = "hello";
    request.prepare_payload();
    return request;
  }
};

TEST_F(UseFiberWithBeast, ExchangesHttpMessagesOverLoopback) {
  runtime rt;
  rt.run([](scope& s) {
    auto acceptor = listen(s);
    s.spawn({.name = "server"}, [&] {
      beast::tcp_stream stream(acceptor.async_accept(use_fiber));
      for (int i = 0; i < 20; ++i) serve_one(stream);
    });
    auto client = connect(s, acceptor.local_endpoint());
    beast::flat_buffer buffer;
    for (int i = 0; i < 20; ++i) {
      http::async_write(client, hello(), use_fiber);
      http::response<http::string_body> response;
      http::async_read(client, buffer, response, use_fiber);
      EXPECT_EQ(response.body(), "you said hello");
    }
  });
}

// The server answers with half a message and falls silent; the client is cancelled in the middle of its read.
TEST_F(UseFiberWithBeast, LeavesAReadInTheMiddleOfAMessageWhenCancelled) {
  runtime rt;
  for (int i = 0; i < 50; ++i)
    rt.run([](scope& s) {
      auto acceptor = listen(s);
      s.spawn({.name = "server"}, [&](context&) {
        tcp::socket peer = acceptor.async_accept(use_fiber);
        const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
        asio::async_write(peer, asio::buffer(half), use_fiber);
        char ignored[256];
        boost::system::error_code closed;
        while (!closed) peer.async_read_some(asio::buffer(ignored), asio::redirect_error(use_fiber, closed));
      });
      auto client = s.spawn({.name = "client"}, [&](context& ctx) {
        auto stream = connect(ctx, acceptor.local_endpoint());
        http::async_write(stream, hello(), use_fiber);
        beast::flat_buffer buffer;
        http::response_parser<http::string_body> parser;
        http::async_read_header(stream, buffer, parser, use_fiber);
        EXPECT_EQ(parser.get()[http::field::content_length], "100");
        s.spawn({.name = "canceller"}, [id = ctx.node().cell()](context& c) {
          c.yield();
          id->request(reason::user{"gave up"});
        });
        http::async_read(stream, buffer, parser, use_fiber);
      });
      auto o = client.result();
      ASSERT_TRUE(o.is_cancelled());
      EXPECT_EQ(describe(o.why()), "user: gave up");
    });
}

TEST_F(UseFiberWithBeast, ClosesASessionByTheDeadlineOfItsScope) {
  runtime rt;
  rt.run([](scope& s) {
    auto acceptor = listen(s);
    auto server = s.spawn({.name = "server"}, [&](context&) {
      beast::tcp_stream stream(acceptor.async_accept(use_fiber));
      beast::flat_buffer buffer;
      http::request<http::string_body> request;
      http::async_read(stream, buffer, request, use_fiber);
    });
    auto client = connect(s, acceptor.local_endpoint());
    EXPECT_THROW(s.scope({.name = "session", .deadline = 1ms},
                         [&](scope&) {
                           beast::flat_buffer buffer;
                           http::response<http::string_body> response;
                           http::async_read(client, buffer, response, use_fiber);
                         }),
                 timed_out);
    server.cancel("done");
    server.wait();  // before the client closes, which would be an error to it
  });
}

TEST_F(UseFiberWithBeast, StopsAnAcceptorThatWaits) {
  runtime rt;
  rt.run([](scope& s) {
    auto acceptor = listen(s);
    auto server = s.spawn([&] { acceptor.async_accept(use_fiber); });
    while (server.status() != task_status::running) s.yield();
    server.cancel("closing");
    EXPECT_TRUE(server.result().is_cancelled());
  });
}

}  // namespace
}  // namespace workit
