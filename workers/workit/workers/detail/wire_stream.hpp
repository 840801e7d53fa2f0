// The two ends of a frame: a writer that appends, a reader that trusts nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>
#include <workit/workers/bytes.hpp>

namespace workit {

/// A frame that does not say what its reader expects, or a value that cannot be written.
class wire_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

/// Values nested deeper than this are refused at both ends: a frame must not be able to overflow its reader's stack.
inline constexpr int wire_depth_limit = 200;

/// Counts one level of nesting for as long as it lives.
class wire_level {
 public:
  explicit wire_level(int& depth) : depth_(depth) {
    if (depth_ >= wire_depth_limit) refuse();
    ++depth_;
  }
  ~wire_level() { --depth_; }
  wire_level(const wire_level&) = delete;
  wire_level& operator=(const wire_level&) = delete;

 private:
  [[noreturn]] static void refuse();

  int& depth_;
};

}  // namespace detail

template <class T>
struct wire;

class shared_block;
/// Memory that travels beside a frame, by its descriptor, and is not copied: see shared_buffer.
using attachments = std::vector<std::shared_ptr<const shared_block>>;

namespace workers {
class remote_channel;
}
/// Channels that a call has, which its task sends to: see worker_channel.
using channels_of_call = std::vector<std::shared_ptr<workers::remote_channel>>;

/// Appends values to a frame. The format is private to one image: native byte order, no tags, lengths as 64 bit.
/// Threads: one at a time.
class wire_writer {
 public:
  wire_writer();
  ~wire_writer();
  wire_writer(const wire_writer&) = delete;
  wire_writer& operator=(const wire_writer&) = delete;

  /// Any value that travels.
  template <class T>
  void write(const T& value) {
    const detail::wire_level level(depth_);
    wire<T>::write(*this, value);
  }
  /// A length; read it with wire_reader::count().
  void write_count(std::size_t n) {
    const auto wide = static_cast<std::uint64_t>(n);
    append(&wide, sizeof wide);
  }
  /// `size` bytes as they are.
  void append(const void* from, std::size_t size) { frame_.append(from, size); }
  /// The same, from a multiple of `alignment` on, a power of two; more than 16 is 16. Read it with take_aligned().
  void append_aligned(const void* from, std::size_t size, std::size_t alignment);
  /// What is written goes into that memory, as far as it has room. Requires: nothing has been written.
  /// Lifetime: `place` outlives the frame.
  void begin_in(std::span<std::byte> place) noexcept { frame_ = bytes::in(place); }
  /// Sends `block` along; read it with wire_reader::attachment(). Errors: wire_error beyond the 200th.
  void attach(std::shared_ptr<const shared_block> block);

  /// Makes `channel` one of the call's, and writes its place among them. Errors: wire_error beyond the 4th.
  void attach_channel(std::shared_ptr<workers::remote_channel> channel);

  [[nodiscard]] std::size_t size() const noexcept { return frame_.size(); }
  [[nodiscard]] const bytes& frame() const noexcept { return frame_; }
  /// The frame, moved out; the writer is empty afterwards.
  [[nodiscard]] bytes take() noexcept;
  [[nodiscard]] const attachments& attached() const noexcept { return attached_; }
  [[nodiscard]] attachments take_attached() noexcept;
  [[nodiscard]] channels_of_call take_channels() noexcept;
  void clear() noexcept;

 private:
  bytes frame_;
  attachments attached_;
  channels_of_call channels_;
  int depth_ = 0;
};

/// Reads values off a frame that it does not trust. Every length is compared with what is left before anything is
/// allocated. Errors: wire_error, after which the reader is of no further use. Threads: one at a time.
/// Lifetime: the frame and its attachments outlive the reader.
class wire_reader {
 public:
  explicit wire_reader(std::span<const std::byte> frame, const attachments& beside = none()) noexcept
      : left_(frame), attached_(beside) {}

  /// The next value.
  template <class T>
  [[nodiscard]] T read() {
    const detail::wire_level level(depth_);
    return wire<T>::read(*this);
  }
  /// A number of elements that take `each` bytes or more (one at the least), as many as can be there.
  [[nodiscard]] std::size_t count(std::size_t each = 1);
  /// The next `size` bytes, in place. Lifetime: until the function begins for which these are the arguments, since its
  /// result is written over them.
  [[nodiscard]] std::span<const std::byte> take(std::size_t size);
  /// What append_aligned() wrote, in place; aligned where the frame begins at a multiple of 16.
  [[nodiscard]] std::span<const std::byte> take_aligned(std::size_t size);
  /// The next `size` bytes, copied.
  void copy(void* to, std::size_t size);
  /// What attach() sent along.
  [[nodiscard]] std::shared_ptr<const shared_block> attachment();
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }
  /// Errors: wire_error when something is left over.
  void finish() const;

 private:
  static const attachments& none() noexcept;

  std::span<const std::byte> left_;
  const attachments& attached_;
  int depth_ = 0;
};

}  // namespace workit
