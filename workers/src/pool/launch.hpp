// A job and the worker it is bound to.
#pragma once

#include <memory>

namespace workit::workers {

class job;
class worker_handle;

struct launch {
  std::shared_ptr<job> task;
  std::shared_ptr<worker_handle> worker;
};

}  // namespace workit::workers
