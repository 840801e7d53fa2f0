// http_error: an answer to a request that cannot be served, as a status and a typed reason.
#pragma once

#include <boost/beast/http/status.hpp>
#include <stdexcept>
#include <string>

namespace chat {

/// What is thrown between reading a request and the first byte of its answer.
class http_error : public std::runtime_error {
 public:
  /// `type` is for programs ("no_query"), `message` for people: what was given, and what is allowed.
  http_error(boost::beast::http::status status, std::string type, const std::string& message)
      : std::runtime_error(message), status_(status), type_(std::move(type)) {}
  [[nodiscard]] boost::beast::http::status status() const noexcept { return status_; }
  [[nodiscard]] const std::string& type() const noexcept { return type_; }

 private:
  boost::beast::http::status status_;
  std::string type_;
};

}  // namespace chat
