// redaction: names of fields, compared part by part.
#include <workit/observe/redaction.hpp>

#include <algorithm>

#include <workit/base/detail/check_option.hpp>

namespace workit {
namespace {

constexpr std::size_t deepest = 64;

/// A name as it is compared. The letters of ASCII only: the locale is none of our business.
std::string compared(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name)
    if (c != '_' && c != '-') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::set<std::string> compared(const std::vector<std::string>& names) {
  std::set<std::string> all;
  for (const auto& name : names) {
    auto plain = compared(name);
    WORKIT_CHECK_OPTION(!plain.empty(),
                        "redaction: \"" + name + "\" is no name of a field: it needs a letter or a digit");
    all.insert(std::move(plain));
  }
  return all;
}

}  // namespace

redaction::redaction(const redaction_options& options)
    : hide_(compared(options.hide)), remove_(compared(options.remove)), depth_(options.depth) {
  WORKIT_CHECK_OPTION(depth_ >= 1 && depth_ <= deepest,
                      "redaction_options.depth is " + std::to_string(depth_) + "; it may be 1 to 64");
}

redaction::verdict redaction::of(std::string_view name) const {
  const auto whole = compared(name);
  const auto matches = [&](const std::set<std::string>& names, std::string_view part) {
    return names.count(std::string(part)) != 0;
  };
  auto found = verdict::shown;
  if (matches(remove_, whole)) return verdict::removed;
  if (matches(hide_, whole)) found = verdict::hidden;
  std::size_t parts = 0;
  for (std::string_view rest = whole;; ++parts) {
    const auto dot = rest.find('.');
    const auto part = rest.substr(0, dot);
    if (matches(remove_, part)) return verdict::removed;
    if (matches(hide_, part)) found = verdict::hidden;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return found == verdict::shown && parts >= depth_ ? verdict::too_deep : found;
}

void redaction::apply(owned_fields& data) const {
  std::erase_if(data, [this](auto& field) {
    switch (of(field.first)) {
      case verdict::removed:
        return true;
      case verdict::hidden:
        field.second = "[redacted]";
        break;
      case verdict::too_deep:
        field.second = "[max-depth]";
        break;
      case verdict::shown:
        break;
    }
    return false;
  });
}

}  // namespace workit
