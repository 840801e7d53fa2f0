// conversation: one chat request, under one scope.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <vector>
#include <workit/scope/scope.hpp>

#include "chat_request.hpp"
#include "llm_client.hpp"
#include "search/bm25.hpp"
#include "search/document.hpp"

namespace chat {

/// What all requests share; it does not change while the server runs.
struct services {
  llm_endpoint llm;
  std::vector<document> corpus;
  std::unique_ptr<bm25_index> index;
  request_limits limits{};
  std::size_t retrieved = 8;                   ///< documents taken from the corpus
  std::uint64_t max_tokens = 128;              ///< per document, for the encoder
  std::chrono::milliseconds deadline{60'000};  ///< of a request that names none
};

/// Answers one request with a stream of events: `token` {text}, `documents` [{name, score, text}], then `done` or
/// `error` {status, type, message}. Under one scope run the language model, the retrieval and, behind the process
/// boundary, the rerank; a client that goes away (close, reset, half-close) cancels the scope with
/// manual{"client_disconnected"}; the scope's receipt is one line of JSON on standard output.
/// The deadline of the request counts from `arrived`.
/// Blocks: the fiber, until the answer is written and all work has ended. Errors: of the socket.
void converse(workit::scope& connection, boost::asio::ip::tcp::socket& client, const services& with,
              chat_request request, workit::time_point arrived);

}  // namespace chat
