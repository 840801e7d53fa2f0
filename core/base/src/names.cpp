// names: cutting them, and refusing them; and the refusal of any other option.
#include <workit/base/detail/names.hpp>

#include <stdexcept>
#include <workit/base/detail/check_option.hpp>

namespace workit::detail {

void refuse_option(const std::string& sentence) { throw std::invalid_argument(sentence); }

std::string fitted_name(std::string name) {
  static constexpr char dots[] = "...";
  if (name.empty()) return "anonymous";
  if (name.size() <= longest_name) return name;
  auto kept = longest_name - (sizeof dots - 1);
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80; };
  while (kept > 0 && continues(kept)) --kept;
  name.resize(kept);
  return name += dots;
}

void check_name(const char* whose, const std::string& name) {
  WORKIT_CHECK_OPTION(
      !name.empty() && name.size() <= longest_name,
      std::string(whose) + " name has " + std::to_string(name.size()) + " characters; it may have 1 to 128");
}

}  // namespace workit::detail
