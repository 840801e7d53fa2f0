// key: the numbers of keys, and the ranges of their options.
#include <atomic>
#include <workit/context/budget.hpp>
#include <workit/context/detail/key_identity.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/names.hpp>

namespace workit {
namespace {

constexpr std::size_t longest_unit = 32;
constexpr unsigned most_digits = 12;

std::atomic<std::uint64_t> last_number{0};

}  // namespace

detail::key_identity::key_identity(std::string name)
    : name_(std::move(name)), number_(last_number.fetch_add(1, std::memory_order_relaxed) + 1) {
  check_name("a key's", name_);
}

budget_key::budget_key(std::string name, budget_key_options options)
    : key_identity(std::move(name)), unit_(std::move(options.unit)), digits_(options.digits) {
  WORKIT_CHECK_OPTION(unit_.size() <= longest_unit, "the unit of budget \"" + this->name() + "\" has " +
                                                        std::to_string(unit_.size()) +
                                                        " characters; it may have up to 32");
  WORKIT_CHECK_OPTION(digits_ <= most_digits, "budget \"" + this->name() + "\" counts " + std::to_string(digits_) +
                                                  " decimal digits; it may count 0 to 12");
}

const budget_key telemetry_budget{"telemetry", {.unit = "events"}};

}  // namespace workit
