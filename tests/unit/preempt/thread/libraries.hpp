// The shared libraries of these tests, opened as a program opens a plugin.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>

namespace workit::test {

/// An open library.
class library {
 public:
  explicit library(const char* path) : handle_(dlopen(path, RTLD_LAZY | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  ~library() { dlclose(handle_); }
  library(const library&) = delete;
  library& operator=(const library&) = delete;

  template <class Function>
  Function* get(const char* name) const {
    auto* const found = reinterpret_cast<Function*>(dlsym(handle_, name));
    if (found == nullptr) throw std::runtime_error(dlerror());
    return found;
  }

 private:
  void* handle_;
};

using spin_while_call = void(const std::atomic<bool>*);
using spin_then_call_call = void(const std::atomic<bool>*, void (*)());

}  // namespace workit::test
