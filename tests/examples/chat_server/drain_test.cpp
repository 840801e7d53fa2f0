// SIGTERM: no new requests, a bounded time for running ones, then everything stops, and the exit code is 0.
#include <csignal>

#include "server_under_test.hpp"

namespace chat::test {
namespace {

bool refuses_connections(std::uint16_t port) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code failed;
  socket.connect({boost::asio::ip::address_v4::loopback(), port}, failed);
  return failed == boost::asio::error::connection_refused;
}

TEST(Drain, LetsARunningRequestFinishAndRefusesNewOnes) {
  server_under_test server;
  demo::chat_client client(server.port, {{"query", "Which tool compresses large files well?"}});
  ASSERT_TRUE(client.next());  // it runs
  kill(server.server.pid(), SIGTERM);
  while (!refuses_connections(server.port)) usleep(2000);
  std::string last;
  while (const auto event = client.next()) last = event->name;
  EXPECT_EQ(last, "done") << "the running request was not given its time";
  EXPECT_EQ(server.server.wait(), 0);
}

TEST(Drain, EndsAtOnceOnASecondSignal) {
  server_under_test server({"--drain", "3600"});
  raw_client client(server.port, post(json{{"query", "q"}, {"documents", {poison()}}}.dump()));
  while (server.status().at("busy") == 0) usleep(2000);
  kill(server.server.pid(), SIGTERM);
  while (!refuses_connections(server.port)) usleep(2000);
  EXPECT_EQ(server.server.terminate(), 0);  // the second one
  EXPECT_EQ(server.receipts().at(0).at("stops").at(0).at("method"), "killed");
}

TEST(Drain, StopsWhatIsStillRunningAfterItsTime) {
  server_under_test server({"--drain", "1"});
  const auto zygote = server.status().at("zygote").get<pid_t>();
  raw_client client(server.port, post(json{{"query", "q"}, {"documents", {poison()}}}.dump()));
  while (server.status().at("busy") == 0) usleep(2000);
  EXPECT_EQ(server.server.terminate(), 0);
  const auto receipt = server.receipts().at(0);
  EXPECT_EQ(receipt.at("reason").at("kind"), "shutdown");
  EXPECT_EQ(receipt.at("stops").at(0).at("method"), "killed");
  EXPECT_NE(kill(zygote, 0), 0) << "the zygote outlived its host";
}

}  // namespace
}  // namespace chat::test
