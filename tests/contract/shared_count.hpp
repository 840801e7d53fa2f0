// A number that a worker counts up and the test reads.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>

namespace workit::test {

/// A number in a file, shared between a worker that counts and the test that reads it.
class shared_count {
 public:
  explicit shared_count(const std::string& file) : fd_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ < 0 || ftruncate(fd_, sizeof(std::atomic<int>)) != 0) throw std::runtime_error("no file for a count");
    page_ = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (page_ == MAP_FAILED) throw std::runtime_error("no memory for a count");
  }
  ~shared_count() {
    munmap(page_, sizeof(std::atomic<int>));
    close(fd_);
  }
  shared_count(const shared_count&) = delete;
  shared_count& operator=(const shared_count&) = delete;
  std::atomic<int>& operator*() { return *static_cast<std::atomic<int>*>(page_); }

 private:
  int fd_;
  void* page_;
};

}  // namespace workit::test
