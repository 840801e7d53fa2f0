// Reads and checks the body of POST /chat, before anything runs.
#include "chat_request.hpp"

#include <nlohmann/json.hpp>

#include "http_error.hpp"

namespace chat {
namespace {

using boost::beast::http::status;
using json = nlohmann::json;

[[noreturn]] void refuse(std::string type, const std::string& message) {
  throw http_error(status::bad_request, std::move(type), message);
}
[[noreturn]] void too_large(const std::string& what, std::size_t given, std::size_t allowed, const char* unit) {
  throw http_error(
      status::payload_too_large, "too_large",
      what + " has " + std::to_string(given) + ' ' + unit + "; at most " + std::to_string(allowed) + " are allowed");
}

std::string query_of(const json& body, const request_limits& limits) {
  const auto found = body.find("query");
  if (found == body.end()) refuse("no_query", "\"query\" is missing; it has to be a non-empty string");
  if (!found->is_string())
    refuse("bad_query", std::string("\"query\" is ") + found->type_name() + "; it has to be a string");
  auto query = found->get<std::string>();
  if (query.find_first_not_of(" \t\r\n") == std::string::npos) refuse("no_query", "\"query\" is empty");
  if (query.size() > limits.query_bytes) too_large("\"query\"", query.size(), limits.query_bytes, "bytes");
  return query;
}

std::vector<std::string> documents_of(const json& body, const request_limits& limits) {
  const auto found = body.find("documents");
  if (found == body.end()) return {};
  if (!found->is_array() || found->empty())
    refuse("bad_documents", "\"documents\" has to be a non-empty array of strings; leave it out to search the corpus");
  if (found->size() > limits.documents) too_large("\"documents\"", found->size(), limits.documents, "entries");
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto& d = (*found)[i];
    const auto name = "\"documents\"[" + std::to_string(i) + ']';
    if (!d.is_string()) refuse("bad_documents", name + " is " + d.type_name() + "; it has to be a string");
    documents.push_back(d.get<std::string>());
    if (documents.back().size() > limits.document_bytes)
      too_large(name, documents.back().size(), limits.document_bytes, "bytes");
  }
  return documents;
}

std::optional<std::chrono::milliseconds> deadline_of(const json& body, const request_limits& limits) {
  const auto found = body.find("deadline_ms");
  if (found == body.end()) return std::nullopt;
  const auto longest = limits.longest_deadline.count();
  if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > longest)
    refuse("bad_deadline", "\"deadline_ms\" is " + found->dump() + "; it has to be a whole number from 1 to " +
                               std::to_string(longest));
  return std::chrono::milliseconds(found->get<std::int64_t>());
}

}  // namespace

chat_request parse_chat_request(std::string_view text, const request_limits& limits) {
  const auto body = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) refuse("not_json", "the body is not JSON; send {\"query\": \"...\"}");
  if (!body.is_object())
    refuse("not_an_object", std::string("the body is ") + body.type_name() + "; it has to be an object");
  return {query_of(body, limits), documents_of(body, limits), deadline_of(body, limits)};
}

}  // namespace chat
