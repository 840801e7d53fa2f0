// owned_fields: values of fields as text.
#include <workit/base/owned_fields.hpp>

#include <workit/base/detail/number_text.hpp>

namespace workit {
namespace {

/// A value of a field as text.
struct as_text {
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(std::string_view s) const { return std::string(s); }
  std::string operator()(double number) const { return detail::number_text(number); }
  std::string operator()(auto number) const { return std::to_string(number); }
};

}  // namespace

owned_fields keep(fields data) {
  owned_fields kept;
  kept.reserve(data.size());
  for (const auto& field : data) kept.emplace_back(field.name, std::visit(as_text{}, field.value));
  return kept;
}

}  // namespace workit
