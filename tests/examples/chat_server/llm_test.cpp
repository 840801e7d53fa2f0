// A language model that cannot be reached, or misbehaves, is a typed event and leaves nothing behind.
#include "llm_client.hpp"

#include "server_under_test.hpp"

namespace chat::test {
namespace {

json error_of(std::uint16_t port, const json& body) {
  demo::chat_client client(port, body);
  json error;
  while (const auto event = client.next())
    if (event->name == "error") error = event->data;
  return error;
}

TEST(LanguageModel, ThatIsUnreachableIsATyped502AndTheRerankStopsWithIt) {
  server_under_test server;
  server.llm.terminate();
  const auto error = error_of(server.port, {{"query", "q"}, {"documents", {poison()}}});
  EXPECT_EQ(error.at("status"), 502);
  EXPECT_EQ(error.at("type"), "llm_unavailable");
  EXPECT_NE(error.at("message").get<std::string>().find("cannot be reached"), std::string::npos) << error;
  const auto receipt = server.await_receipt();
  EXPECT_EQ(receipt.at("outcome"), "errored");
  EXPECT_EQ(receipt.at("reason").at("kind"), "sibling_failed");
  EXPECT_EQ(server.settle().at("crashed"), 0);
}

TEST(LanguageModel, WhoseUrlCannotBeIsRefusedWithASentence) {
  for (const auto* url : {"", "ftp://x", "http://", "http://host:port", "https://host"}) {
    SCOPED_TRACE(url);
    try {
      (void)parse_llm_url(url);
      ADD_FAILURE() << "it was taken";
    } catch (const std::invalid_argument& e) {
      EXPECT_NE(std::string(e.what()).find("it may be http://host[:port][/path]"), std::string::npos) << e.what();
    }
  }
  const auto good = parse_llm_url("http://127.0.0.1:8080/v2/chat");
  EXPECT_EQ(good.host, "127.0.0.1");
  EXPECT_EQ(good.port, "8080");
  EXPECT_EQ(good.path, "/v2/chat");
  EXPECT_EQ(good.addresses.size(), 1u);
}

}  // namespace
}  // namespace chat::test
