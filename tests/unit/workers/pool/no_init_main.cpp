// A program whose main does not call workit::init.
#include <cstdio>
#include <workit/base/errors.hpp>

#include "pool_host.hpp"

int main() {
  try {
    workit::test::pool_host host;
  } catch (const workit::start_failed& e) {
    std::puts(e.what());
    return 0;
  }
  return 1;
}
