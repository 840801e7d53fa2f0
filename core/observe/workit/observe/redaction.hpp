// redaction: keeps secrets out of what is recorded.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <workit/base/owned_fields.hpp>

namespace workit {

/// Names are compared without regard to case, '_' and '-': "apiKey" is "API_KEY" and "api-key".
struct redaction_options {
  /// Names whose values are not shown.
  std::vector<std::string> hide{"authorization", "cookie", "password",    "passwd",      "secret",
                                "token",         "apiKey", "accessToken", "refreshToken"};
  /// Names that are not shown either.
  std::vector<std::string> remove{};
  /// How many parts a name may have that is a path, as in "request.headers.accept": its value is not shown beyond. 1 to
  /// 64.
  std::size_t depth = 8;
};

/// Looks at the names of fields, whole or, where they are paths, part by part: "request.headers.cookie" is hidden as
/// "cookie" is, and all below it. It does not look into values, nor into messages: what is free text stays as it is.
///
/// Threads: any; it does not change. Errors: std::invalid_argument for a name that is empty, or of '_' and
/// '-' only, and for a depth beyond its range.
class redaction {
 public:
  explicit redaction(const redaction_options& options = {});

  /// Removes what is to be removed; puts "[redacted]" for values that are hidden and "[max-depth]" for those too deep.
  /// The first of the three that fits counts.
  void apply(owned_fields& data) const;

  /// What becomes of the value of a field with this name.
  enum class verdict : std::uint8_t { shown, removed, hidden, too_deep };
  [[nodiscard]] verdict of(std::string_view name) const;

 private:
  std::set<std::string> hide_, remove_;  // as they are compared
  std::size_t depth_;
};

}  // namespace workit
