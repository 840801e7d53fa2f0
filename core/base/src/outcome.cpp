// outcome: the errors of asking for what is not there.
#include <workit/base/outcome.hpp>

#include <cstdlib>
#include <workit/base/assert.hpp>
#include <workit/base/errors.hpp>

namespace workit::detail {

void throw_task_cancelled(const cancelled_task& ended) { throw task_cancelled(ended.why, ended.task); }

void refuse_reason(bool has_value) {
  WORKIT_ASSERT(false, std::string("an outcome was asked why it was cancelled, but it ") +
                           (has_value ? "has a value" : "is an error") + ": ask is_cancelled() first");
  std::abort();
}

}  // namespace workit::detail
