// connection: reads one HTTP request, and answers it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <workit/scope/scope.hpp>

#include "conversation.hpp"

namespace chat {

/// Reads a request from `client` and answers it: POST /chat by a conversation, GET /status by `status_json()`, all else
/// by 4xx with a JSON reason, which costs no worker. One request a connection.
/// Blocks: the fiber, until the answer is out. Errors: none that the client or the network can cause.
void serve(workit::scope& connection, boost::asio::ip::tcp::socket client, const services& with,
           const std::function<std::string()>& status_json);

}  // namespace chat
