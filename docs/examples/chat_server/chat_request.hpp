// chat_request: the body of POST /chat, checked.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

/// What a request may ask for.
struct request_limits {
  std::size_t body_bytes = 4 * 1024 * 1024;
  std::size_t query_bytes = 4 * 1024;
  std::size_t documents = 64;
  std::size_t document_bytes = 128 * 1024;
  std::chrono::milliseconds longest_deadline{600'000};
};

struct chat_request {
  std::string query;
  /// What to rank; empty: the server retrieves from its own corpus.
  std::vector<std::string> documents{};
  std::optional<std::chrono::milliseconds> deadline{};
};

/// Reads {"query": string, "documents"?: [string], "deadline_ms"?: integer}.
/// Errors: http_error 400 or 413 that says what was given and what is allowed.
[[nodiscard]] chat_request parse_chat_request(std::string_view body, const request_limits& limits);

}  // namespace chat
