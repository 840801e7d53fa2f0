// llm_client: streams a completion from an OpenAI-compatible endpoint.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <workit/base/errors.hpp>
#include <workit/scope/context.hpp>

namespace chat {

/// Where the language model is.
struct llm_endpoint {
  std::string host;
  std::string port = "80";
  std::string path = "/v1/chat/completions";
  std::string model = "default";
  std::string api_key{};  ///< sent as a bearer token; empty: none
  std::vector<boost::asio::ip::tcp::endpoint> addresses{};
};

/// The provider could not be reached, or did not answer as it should; what() says how.
class llm_error : public workit::error {
 public:
  using error::error;
};

/// Takes "http://host[:port][/path]" apart and looks the host up, once: Asio's resolver cannot be cancelled, so it has
/// no place in a request. Blocks: for the look-up. Errors: std::invalid_argument that says what is allowed.
[[nodiscard]] llm_endpoint parse_llm_url(std::string_view url);

/// Asks `endpoint` and calls `on_token` with each piece of the answer, in order. Returns the number of pieces.
/// Blocks: the fiber, until the stream has ended. Cancel: closes the connection. Errors: llm_error.
std::size_t stream_completion(workit::context& ctx, const llm_endpoint& endpoint, const std::string& query,
                              const std::function<void(const std::string&)>& on_token);

}  // namespace chat
