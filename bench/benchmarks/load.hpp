// Other work on the machine, on purpose.
#pragma once

#include <list>
#include <string>

#include "measure/child.hpp"

namespace workit::bench {

/// Spinning processes, as long as it lives.
class load {
 public:
  explicit load(int processes) {
    for (int i = 0; i < processes; ++i) spinning_.emplace_back(role::spin);
  }

 private:
  std::list<child> spinning_;
};

}  // namespace workit::bench
