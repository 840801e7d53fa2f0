// The body of POST /chat, field by field.
#include "chat_request.hpp"

#include <gtest/gtest.h>

#include "http_error.hpp"

namespace chat::test {
namespace {

TEST(ChatRequest, ReadsAllItsFields) {
  const auto r = parse_chat_request(R"({"query":"q","documents":["a","b"],"deadline_ms":250})", {});
  EXPECT_EQ(r.query, "q");
  EXPECT_EQ(r.documents, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(r.deadline, std::chrono::milliseconds(250));
}

TEST(ChatRequest, NeedsNothingButAQuery) {
  const auto r = parse_chat_request(R"({"query":"q"})", {});
  EXPECT_TRUE(r.documents.empty());
  EXPECT_FALSE(r.deadline);
}

TEST(ChatRequest, SaysWhatWasGivenAndWhatIsAllowed) {
  try {
    (void)parse_chat_request(R"({"query":"q","documents":["aaaa"]})", {.document_bytes = 3});
    FAIL() << "four bytes are more than three";
  } catch (const http_error& e) {
    EXPECT_EQ(e.type(), "too_large");
    EXPECT_STREQ(e.what(), "\"documents\"[0] has 4 bytes; at most 3 are allowed");
  }
}

TEST(ChatRequest, RefusesADeadlineThatIsNoWholeNumberInRange) {
  for (const auto* given : {"0", "-1", "1.5", "\"1\"", "600001", "18446744073709551615"}) {
    SCOPED_TRACE(given);
    EXPECT_THROW((void)parse_chat_request(std::string(R"({"query":"q","deadline_ms":)") + given + '}', {}), http_error);
  }
}

}  // namespace
}  // namespace chat::test
