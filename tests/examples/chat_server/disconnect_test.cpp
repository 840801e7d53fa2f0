// A client that goes away takes its request along, whichever way it goes.
#include "server_under_test.hpp"

namespace chat::test {
namespace {

enum class way { close, reset, half_close };

void leave(tcp::socket& socket, way how) {
  switch (how) {
    case way::close:
      socket.close();
      break;
    case way::reset:
      socket.set_option(boost::asio::socket_base::linger(true, 0));
      socket.close();
      break;
    case way::half_close:
      socket.shutdown(tcp::socket::shutdown_send);
      break;
  }
}

class Disconnect : public ::testing::TestWithParam<way> {};

TEST_P(Disconnect, StopsTheRerankAndClosesTheLanguageModelsConnection) {
  server_under_test server;
  const auto before = server.settle();
  raw_client client(server.port, post(json{{"query", "q"}, {"documents", {poison()}}}.dump()));
  while (server.status().at("busy") == 0) usleep(2000);
  leave(client.socket, GetParam());
  const auto left_at = demo::now_ns();

  const auto receipt = server.await_receipt();
  EXPECT_EQ(receipt.at("outcome"), "cancelled");
  EXPECT_EQ(receipt.at("reason").at("tag"), "client_disconnected");
  const auto& stop = receipt.at("stops").at(0);
  EXPECT_EQ(stop.at("task"), "rerank");
  EXPECT_EQ(stop.at("method"), "killed");
  EXPECT_NE(stop.at("proof"), "none");
  EXPECT_TRUE(stop.contains("reclaimed_us"));

  const auto after = server.settle();
  EXPECT_EQ(after.at("killed"), before.at("killed").get<int>() + 1);
  EXPECT_EQ(after.at("crashed"), 0);
  json bill = demo::get_json(server.llm.port(), "/bill").at(0);
  while (bill.at("closed_ns") == 0) bill = demo::get_json(server.llm.port(), "/bill").at(0);
  EXPECT_FALSE(bill.at("finished"));
  const auto& produced = bill.at("produced_ns");
  const auto late =
      std::count_if(produced.begin(), produced.end(), [&](const json& t) { return t.get<std::int64_t>() > left_at; });
  EXPECT_LE(late, 1) << "the language model went on producing after the disconnect";  // one may have been in flight
}

INSTANTIATE_TEST_SUITE_P(AllWays, Disconnect, ::testing::Values(way::close, way::reset, way::half_close),
                         [](const auto& tested) {
                           return tested.param == way::close   ? "Close"
                                  : tested.param == way::reset ? "Reset"
                                                               : "HalfClose";
                         });

TEST(ChatDeadline, GivesTheClientATypedErrorAndStopsTheRerank) {
  server_under_test server;
  demo::chat_client client(server.port, {{"query", "q"}, {"documents", {poison()}}, {"deadline_ms", 250}});
  std::optional<demo::server_event> last;
  while (auto event = client.next()) last = std::move(event);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->name, "error");
  EXPECT_EQ(last->data.at("status"), 504);
  EXPECT_EQ(last->data.at("type"), "timed_out");
  const auto receipt = server.await_receipt();
  EXPECT_EQ(receipt.at("reason").at("kind"), "deadline");
  EXPECT_EQ(receipt.at("stops").at(0).at("method"), "killed");
}

}  // namespace
}  // namespace chat::test
