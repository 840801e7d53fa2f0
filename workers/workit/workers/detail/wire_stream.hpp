// The two ends of a frame: a writer that appends, a reader that trusts nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
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
    if (depth_ >= wire_depth_limit) throw wire_error("a value is nested deeper than 200 levels");
    ++depth_;
  }
  ~wire_level() { --depth_; }
  wire_level(const wire_level&) = delete;
  wire_level& operator=(const wire_level&) = delete;

 private:
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
  /// Sends `block` along; read it with wire_reader::attachment(). Errors: wire_error beyond the 200th.
  void attach(std::shared_ptr<const shared_block> block) {
    constexpr std::size_t most = 200;  // the kernel's SCM_MAX_FD is 253
    if (attached_.size() == most) throw wire_error("more than 200 shared buffers cannot travel with one call");
    attached_.push_back(std::move(block));
    write_count(attached_.size() - 1);
  }

  /// Makes `channel` one of the call's, and writes its place among them. Errors: wire_error beyond the 4th.
  void attach_channel(std::shared_ptr<workers::remote_channel> channel) {
    constexpr std::size_t most = 4;
    if (channels_.size() == most) throw wire_error("more than 4 channels cannot go with one call");
    channels_.push_back(std::move(channel));
    write_count(channels_.size() - 1);
  }

  [[nodiscard]] std::size_t size() const noexcept { return frame_.size(); }
  [[nodiscard]] const bytes& frame() const noexcept { return frame_; }
  /// The frame, moved out; the writer is empty afterwards.
  [[nodiscard]] bytes take() noexcept { return std::exchange(frame_, bytes{}); }
  [[nodiscard]] const attachments& attached() const noexcept { return attached_; }
  [[nodiscard]] attachments take_attached() noexcept { return std::exchange(attached_, {}); }
  [[nodiscard]] channels_of_call take_channels() noexcept { return std::exchange(channels_, {}); }
  void clear() noexcept {
    frame_.clear();
    attached_.clear();
  }

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
  [[nodiscard]] std::size_t count(std::size_t each = 1) {
    std::uint64_t n = 0;
    copy(&n, sizeof n);
    if (n > left_.size() / each)
      throw wire_error("a frame announces " + std::to_string(n) + " elements where " + std::to_string(left_.size()) +
                       " bytes are left");
    return static_cast<std::size_t>(n);
  }
  /// The next `size` bytes, in place.
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > left_.size())
      throw wire_error("a frame ends " + std::to_string(size - left_.size()) + " bytes too early");
    const auto taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  /// The next `size` bytes, copied.
  void copy(void* to, std::size_t size) {
    const auto from = take(size);
    if (size != 0) std::memcpy(to, from.data(), size);
  }
  /// What attach() sent along.
  [[nodiscard]] std::shared_ptr<const shared_block> attachment() {
    std::uint64_t place = 0;
    copy(&place, sizeof place);
    if (place >= attached_.size())
      throw wire_error("a frame names shared buffer " + std::to_string(place) + " where " +
                       std::to_string(attached_.size()) + " came with it");
    return attached_[place];
  }
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }
  /// Errors: wire_error when something is left over.
  void finish() const {
    if (!left_.empty()) throw wire_error("a frame has " + std::to_string(left_.size()) + " bytes too many");
  }

 private:
  static const attachments& none() noexcept {
    static const attachments nothing;
    return nothing;
  }

  std::span<const std::byte> left_;
  const attachments& attached_;
  int depth_ = 0;
};

}  // namespace workit
