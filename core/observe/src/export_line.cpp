// export_line: what its options may be.
#include "export_line.hpp"

#include <workit/base/detail/check_option.hpp>

namespace workit::detail {
namespace {

constexpr std::size_t most_records = 1'000'000;
constexpr std::size_t fewest_bytes = 1024;

}  // namespace

void check_options(const std::string& whose, const export_options& o) {
  WORKIT_CHECK_OPTION(o.capacity >= 1 && o.capacity <= most_records,
                      whose + ": capacity is " + std::to_string(o.capacity) + "; it may be 1 to 1,000,000 records");
  WORKIT_CHECK_OPTION(o.max_bytes >= fewest_bytes,
                      whose + ": max_bytes is " + std::to_string(o.max_bytes) + "; it may be 1,024 or more");
  WORKIT_CHECK_OPTION(o.failure_threshold >= 1, whose + ": failure_threshold is 0; it may be 1 or more");
  WORKIT_CHECK_OPTION(o.reset_after > duration::zero(), whose + ": reset_after has to be more than zero");
}

}  // namespace workit::detail
