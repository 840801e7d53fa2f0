// check_option: the refusal of an option.
#include <workit/base/detail/check_option.hpp>

#include <stdexcept>

namespace workit::detail {

void refuse_option(const std::string& sentence) { throw std::invalid_argument(sentence); }

}  // namespace workit::detail
