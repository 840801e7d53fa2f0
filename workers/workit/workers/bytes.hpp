// A growing block of bytes that is not zeroed first: a result of 64 MiB is written once, not twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace workit {

/// Like a vector of bytes, except that resize() leaves new bytes unset; converts to a span. Growing a large block moves
/// its pages, not their content (realloc(3)). Errors: std::bad_alloc.
class bytes {
 public:
  bytes() noexcept = default;
  bytes(const bytes& other) { append(other.data_, other.size_); }
  bytes(bytes&& other) noexcept { swap(other); }
  bytes& operator=(bytes other) noexcept {
    swap(other);
    return *this;
  }
  ~bytes() { std::free(data_); }

  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::byte* begin() noexcept { return data_; }
  [[nodiscard]] std::byte* end() noexcept { return data_ + size_; }
  [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
  [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }
  [[nodiscard]] std::byte& operator[](std::size_t i) noexcept { return data_[i]; }

  /// Makes room for `size` bytes altogether.
  void reserve(std::size_t size) {
    if (size <= capacity_) return;
    void* moved = std::realloc(data_, size);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(moved);
    capacity_ = size;
  }
  /// New bytes are unset.
  void resize(std::size_t size) {
    reserve(size);
    size_ = size;
  }
  void append(const void* from, std::size_t size) {
    if (size == 0) return;
    if (size > capacity_ - size_) reserve(std::max(size_ + size, 2 * capacity_));
    std::memcpy(data_ + size_, from, size);
    size_ += size;
  }
  void clear() noexcept { size_ = 0; }
  void swap(bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace workit
