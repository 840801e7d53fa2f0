// shared_buffer: memory that goes to a worker, or comes back from one, without a copy.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <workit/base/unique_fd.hpp>
#include <workit/workers/wire.hpp>

namespace workit {

/// One memory file and its mapping. Used through shared_buffer.
/// Source: memfd_create(2), fcntl(2) on F_ADD_SEALS.
class shared_block {
 public:
  /// `size` bytes of zeroes, writable until they are sealed. Errors: std::system_error.
  explicit shared_block(std::size_t size);
  /// Maps what has come from another process. Errors: wire_error when it is not sealed against every change, since it
  /// could then change, or vanish, while it is read; std::system_error.
  explicit shared_block(unique_fd received);
  ~shared_block();
  shared_block(const shared_block&) = delete;
  shared_block& operator=(const shared_block&) = delete;

  /// From now on no process can change it. Idempotent. Moves the mapping. Errors: std::system_error.
  void seal();
  [[nodiscard]] bool sealed() const noexcept { return sealed_; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

 private:
  void map(int protection);
  void unmap() noexcept;

  unique_fd file_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool sealed_ = false;
};

/// A block of bytes that is written in place, once, and then handed over: as an argument or result of offload only its
/// descriptor travels. Sending seals it, in the sender's hands too: what both sides then see can never change, so
/// neither has to trust the other. Copies share the block.
///
///   workit::shared_buffer pixels(size);
///   decode_into(pixels.write<std::byte>());
///   auto boxes = workit::offload({}, detect, std::move(pixels))(ctx);   // detect(workit::shared_buffer)
///
/// Threads: as any value; copies of an unsealed one share its bytes. Lifetime: of spans: until the last copy has gone,
/// and of writable ones until it is sealed.
class shared_buffer {
 public:
  /// Of no bytes.
  shared_buffer() = default;
  /// Of `size` bytes, zeroed; memory is taken as they are written. Errors: std::system_error.
  explicit shared_buffer(std::size_t size);

  [[nodiscard]] std::size_t size() const noexcept { return block_ ? block_->size() : 0; }
  [[nodiscard]] bool sealed() const noexcept { return block_ && block_->sealed(); }

  /// The bytes as whole Ts, for writing. Errors: asserts that it is not sealed.
  template <class T = std::byte>
  [[nodiscard]] std::span<T> write() {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>,
                  "workit: only plain values can be written into memory that other processes see");
    return {reinterpret_cast<T*>(writable()), size() / sizeof(T)};
  }
  /// The bytes as whole Ts.
  template <class T = std::byte>
  [[nodiscard]] std::span<const T> read() const noexcept {
    static_assert(std::is_trivially_copyable_v<T>, "workit: only plain values can be read from shared memory");
    return {reinterpret_cast<const T*>(block_ ? block_->data() : nullptr), size() / sizeof(T)};
  }

  /// Ends the writing. Idempotent; sending does it. Spans from write() end. Errors: std::system_error.
  void seal() {
    if (block_) block_->seal();
  }

 private:
  friend struct wire<shared_buffer>;
  [[nodiscard]] std::byte* writable();

  std::shared_ptr<shared_block> block_;
};

template <>
struct wire<shared_buffer> {
  static void write(wire_writer& to, const shared_buffer& value) {
    to.write(value.block_ != nullptr);
    if (value.block_ == nullptr) return;
    value.block_->seal();
    to.attach(value.block_);
  }
  static shared_buffer read(wire_reader& from) {
    shared_buffer value;
    if (from.read<bool>()) value.block_ = std::const_pointer_cast<shared_block>(from.attachment());
    return value;
  }
};

}  // namespace workit
