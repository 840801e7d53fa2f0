// json_writer: JSON values, objects and arrays as text, without white space.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <workit/base/clock.hpp>

namespace workit::detail {

/// `text` as a JSON string. Names and tags are the user's bytes: each sequence in them that is not UTF-8 becomes
/// U+FFFD, because JSON is UTF-8.
[[nodiscard]] std::string json_string(std::string_view text);

/// One complete JSON value. A bool, an integer and a text convert to it.
class json_value {
 public:
  template <std::same_as<bool> B>
  json_value(B value) : text_(value ? "true" : "false") {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  json_value(I value) : text_(std::to_string(value)) {}
  template <std::convertible_to<std::string_view> Text>
  json_value(const Text& value) : text_(json_string(value)) {}

  /// `json` is a JSON value already.
  [[nodiscard]] static json_value verbatim(std::string json) { return {std::move(json), 0}; }

  [[nodiscard]] const std::string& text() const& noexcept { return text_; }
  [[nodiscard]] std::string text() && noexcept { return std::move(text_); }

 private:
  json_value(std::string json, int) : text_(std::move(json)) {}
  std::string text_;
};

/// Microseconds with one digit behind the point.
[[nodiscard]] json_value microseconds(duration d);
/// A share of one with three digits; null for a number that is no share at all.
[[nodiscard]] json_value fraction(double of_one);

/// A JSON object: members in the order of the calls.
class json_object {
 public:
  json_object& add(std::string_view name, const json_value& value) {
    text_ += (text_.size() > 1 ? "," : "") + json_string(name) + ':' + value.text();
    return *this;
  }
  /// The same, when the value is there.
  json_object& add_if(bool there, std::string_view name, const json_value& value) {
    return there ? add(name, value) : *this;
  }
  [[nodiscard]] json_value done() { return json_value::verbatim(std::move(text_) + '}'); }

 private:
  std::string text_ = "{";
};

/// A JSON array of `to_value(element)` for all elements.
template <class Range, class F>
[[nodiscard]] json_value json_array(const Range& all, F&& to_value) {
  std::string text = "[";
  for (const auto& each : all) text += (text.size() > 1 ? "," : "") + json_value(to_value(each)).text();
  return json_value::verbatim(text + ']');
}

}  // namespace workit::detail
