// quiet_thread: the sentence of a thread that could not be started.
#include <workit/base/quiet_thread.hpp>

#include <string>
#include <workit/base/clone_refused.hpp>

namespace workit::detail {

std::system_error no_thread(const char* name, const std::system_error& why) {
  auto sentence = "the thread \"" + std::string(name) + "\" could not be started";
  if (const auto more = why_clone_refused(why.code().value()); !more.empty()) sentence += ": " + std::string(more);
  return {why.code(), sentence};
}

}  // namespace workit::detail
