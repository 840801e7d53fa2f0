// Life mutexes in shared memory, for owners that are threads of the test.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <workit/preempt/life_mutex.hpp>

namespace workit::test {

class life_page {
 public:
  explicit life_page(std::size_t count) : count_(count) {
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    first_ = static_cast<preempt::life_mutex*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (first_ + i) preempt::life_mutex;
  }
  ~life_page() { munmap(first_, bytes()); }
  life_page(const life_page&) = delete;
  life_page& operator=(const life_page&) = delete;

  [[nodiscard]] std::size_t size() const { return count_; }
  preempt::life_mutex& operator[](std::size_t i) { return first_[i]; }

 private:
  [[nodiscard]] std::size_t bytes() const { return count_ * sizeof(preempt::life_mutex); }

  std::size_t count_;
  preempt::life_mutex* first_ = nullptr;
};

}  // namespace workit::test
