// names: cutting them, and refusing them.
#include <workit/base/detail/names.hpp>

#include <utility>
#include <workit/base/detail/check_option.hpp>

namespace workit::detail {

std::string&& fitted_name(std::string&& name) {
  static constexpr char dots[] = "...";
  if (name.empty()) name = "anonymous";
  if (name.size() <= longest_name) return std::move(name);
  auto kept = longest_name - (sizeof dots - 1);
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80; };
  while (kept > 0 && continues(kept)) --kept;
  name.resize(kept);
  name += dots;
  return std::move(name);
}

void check_name(const char* whose, const std::string& name) {
  WORKIT_CHECK_OPTION(
      !name.empty() && name.size() <= longest_name,
      std::string(whose) + " name has " + std::to_string(name.size()) + " characters; it may have 1 to 128");
}

}  // namespace workit::detail
