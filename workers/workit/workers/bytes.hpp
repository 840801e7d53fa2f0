// A growing block of bytes that is not zeroed first: a result of 64 MiB is written once, not twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <workit/workers/detail/large_block.hpp>

namespace workit {

/// Like a vector of bytes, except that resize() leaves new bytes unset; converts to a span. Its memory is that of
/// another owner at first, where it is told so; then malloc's, and beyond 256 KiB a block of its own that is kept for
/// the next. Errors: std::bad_alloc.
class bytes {
 public:
  bytes() noexcept = default;
  /// None yet, in memory that its owner keeps until this has gone, or has grown beyond it and has memory of its own.
  [[nodiscard]] static bytes in(std::span<std::byte> place) noexcept {
    bytes b;
    b.data_ = place.data();
    b.capacity_ = place.size();
    b.from_ = source::another;
    return b;
  }
  bytes(const bytes& other) { append(other.data_, other.size_); }
  bytes(bytes&& other) noexcept { swap(other); }
  bytes& operator=(bytes other) noexcept {
    swap(other);
    return *this;
  }
  ~bytes() { release(); }

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
    if (from_ == source::heap && size < workers::large_block_from) {
      void* const moved = std::realloc(data_, size);
      if (moved == nullptr) throw std::bad_alloc();
      data_ = static_cast<std::byte*>(moved);
      capacity_ = size;
      return;
    }
    bytes larger(size);
    if (size_ != 0) std::memcpy(larger.data_, data_, size_);
    larger.size_ = size_;
    swap(larger);
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
  /// Makes room for `more` bytes: so much as is needed now, where append() makes room for more to come.
  void reserve_more(std::size_t more) {
    if (more > capacity_ - size_) reserve(std::max(size_ + more, size_ < small ? 2 * capacity_ : 0));
  }
  void clear() noexcept { size_ = 0; }
  void swap(bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(from_, other.from_);
  }

 private:
  enum class source : unsigned char { heap, large, another };

  /// With room for `capacity` bytes.
  explicit bytes(std::size_t capacity) {
    if (capacity >= workers::large_block_from) {
      const auto block = workers::take_large_block(capacity);
      data_ = block.data;
      capacity_ = block.size;
      from_ = source::large;
      return;
    }
    data_ = static_cast<std::byte*>(std::malloc(capacity));
    if (data_ == nullptr) throw std::bad_alloc();
    capacity_ = capacity;
  }
  void release() noexcept {
    if (from_ == source::heap) std::free(data_);
    if (from_ == source::large) workers::give_back_large_block({data_, capacity_});
  }

  static constexpr std::size_t small = 4096;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  source from_ = source::heap;
};

}  // namespace workit
