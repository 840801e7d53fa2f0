// names: cutting them, and refusing them.
#include <workit/base/detail/names.hpp>

#include <utility>
#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/cut_text.hpp>

namespace workit::detail {

std::string&& fitted_name(std::string&& name) {
  static constexpr char dots[] = "...";
  if (name.empty()) name = "anonymous";
  if (name.size() <= longest_name) return std::move(name);
  name.resize(whole_characters(name, longest_name - (sizeof dots - 1)));
  name += dots;
  return std::move(name);
}

void check_name(const char* whose, const std::string& name) {
  WORKIT_CHECK_OPTION(
      !name.empty() && name.size() <= longest_name,
      std::string(whose) + " name has " + std::to_string(name.size()) + " characters; it may have 1 to 128");
}

}  // namespace workit::detail
