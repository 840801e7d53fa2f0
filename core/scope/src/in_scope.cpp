// in_scope: tells a cancellation from an error.
#include <workit/scope/detail/in_scope.hpp>

#include <workit/base/errors.hpp>

namespace workit::detail {

bool is_cancellation(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const scope_cancelled&) {
    return true;
  } catch (const task_cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace workit::detail
