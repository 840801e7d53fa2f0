// assert: how a failed assertion ends the process.
#include <workit/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace workit::detail {

void fail_assertion(const char* condition, const char* file, int line, const std::string& sentence) {
  std::fprintf(stderr, "workit: %s\n  (%s, at %s:%d)\n", sentence.c_str(), condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace workit::detail
