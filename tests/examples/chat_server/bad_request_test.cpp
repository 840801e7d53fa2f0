// Requests that cannot be served get a 4xx with a JSON reason, and cost no worker.
#include "server_under_test.hpp"

namespace chat::test {
namespace {

struct bad_request {
  const char* name;
  std::string bytes;
  int status;
  const char* type;
};

std::string many_documents() {
  json documents = json::array();
  for (int i = 0; i < 65; ++i) documents.push_back("d");
  return json{{"query", "q"}, {"documents", documents}}.dump();
}

const std::array bad_requests{
    bad_request{"NotJson", post("{query: what"), 400, "not_json"},
    bad_request{"NotAnObject", post("[1]"), 400, "not_an_object"},
    bad_request{"NoQuery", post("{}"), 400, "no_query"},
    bad_request{"EmptyQuery", post(R"({"query":"  "})"), 400, "no_query"},
    bad_request{"QueryOfAnotherType", post(R"({"query":7})"), 400, "bad_query"},
    bad_request{"QueryTooLong", post(json{{"query", std::string(5000, 'q')}}.dump()), 413, "too_large"},
    bad_request{"DocumentsOfAnotherType", post(R"({"query":"q","documents":"d"})"), 400, "bad_documents"},
    bad_request{"DocumentOfAnotherType", post(R"({"query":"q","documents":["d",1]})"), 400, "bad_documents"},
    bad_request{"TooManyDocuments", post(many_documents()), 413, "too_large"},
    bad_request{"DocumentTooLong", post(json{{"query", "q"}, {"documents", {std::string(130 * 1024, 'd')}}}.dump()),
                413, "too_large"},
    bad_request{"BodyTooLong", "POST /chat HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nx", 413, "too_large"},
    bad_request{"BadDeadline", post(R"({"query":"q","deadline_ms":0})"), 400, "bad_deadline"},
    bad_request{"UnknownPath", post("{}", "/chatter"), 404, "unknown_path"},
    bad_request{"WrongMethod", post("", "/chat", "GET"), 405, "wrong_method"},
    bad_request{"NotHttp", "hello there\r\n\r\n", 400, "not_http"},
};

class BadRequest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<server_under_test>(); }
  static void TearDownTestSuite() {
    if (server_ != nullptr) {
      EXPECT_EQ(server_->server.terminate(), 0);
    }
    server_.reset();
  }
  static void expect_refused(const std::string& answer, int status, const std::string& type) {
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status) + ' ')) << answer.substr(0, 300);
    const auto body = json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    EXPECT_EQ(body.at("error").at("type"), type);
    EXPECT_FALSE(body.at("error").at("message").get<std::string>().empty());
  }
  static inline std::unique_ptr<server_under_test> server_;
};

TEST_F(BadRequest, GetsItsReasonAndCostsNoWorker) {
  const auto before = server_->settle();
  for (const auto& bad : bad_requests) {
    SCOPED_TRACE(bad.name);
    expect_refused(raw_client(server_->port, bad.bytes).read_all(), bad.status, bad.type);
  }
  EXPECT_EQ(server_->settle(), before) << "a request that was refused changed the pool";
  EXPECT_TRUE(server_->receipts().empty()) << "a request that was refused opened a chat scope";
}

TEST_F(BadRequest, WhoseBodyIsCutOffIsToldSo) {
  raw_client client(server_->port, "POST /chat HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{\"query\":");
  client.socket.shutdown(tcp::socket::shutdown_send);
  expect_refused(client.read_all(), 400, "cut_off");
}

TEST_F(BadRequest, ControlArmAGoodOneIsServedAndItsReceiptIsPrinted) {
  demo::chat_client client(server_->port, {{"query", "Which tool compresses large files well?"}});
  int tokens = 0;
  bool documents = false;
  std::string last;
  while (const auto event = client.next()) {
    tokens += event->name == "token";
    documents |= event->name == "documents" && !event->data.empty();
    last = event->name;
  }
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(tokens, 40);
  EXPECT_TRUE(documents);
  EXPECT_EQ(last, "done");
  EXPECT_EQ(server_->await_receipt().at("outcome"), "completed");
}

}  // namespace
}  // namespace chat::test
