// wire_stream: what a writer takes and a reader believes.
#include <workit/workers/wire.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace workit {
namespace {

constexpr std::size_t most_padding = 16;

}  // namespace

void detail::wire_level::refuse() { throw wire_error("a value is nested deeper than 200 levels"); }

wire_writer::wire_writer() = default;
wire_writer::~wire_writer() = default;

void wire_writer::append_aligned(const void* from, std::size_t size, std::size_t alignment) {
  static constexpr std::byte zeros[most_padding] = {};
  const auto to = std::min(alignment, most_padding);
  const auto padding = (to - (frame_.size() + 1) % to) % to;  // after the byte that says how many
  frame_.reserve_more(1 + padding + size);
  write(static_cast<unsigned char>(padding));
  append(zeros, padding);
  append(from, size);
}

void wire_writer::attach(std::shared_ptr<const shared_block> block) {
  constexpr std::size_t most = 200;  // the kernel's SCM_MAX_FD is 253
  if (attached_.size() == most) throw wire_error("more than 200 shared buffers cannot travel with one call");
  attached_.push_back(std::move(block));
  write_count(attached_.size() - 1);
}

void wire_writer::attach_channel(std::shared_ptr<workers::remote_channel> channel) {
  constexpr std::size_t most = 4;
  if (channels_.size() == most) throw wire_error("more than 4 channels cannot go with one call");
  channels_.push_back(std::move(channel));
  write_count(channels_.size() - 1);
}

bytes wire_writer::take() noexcept { return std::exchange(frame_, bytes{}); }

attachments wire_writer::take_attached() noexcept { return std::exchange(attached_, {}); }

channels_of_call wire_writer::take_channels() noexcept { return std::exchange(channels_, {}); }

void wire_writer::clear() noexcept {
  frame_.clear();
  attached_.clear();
}

std::size_t wire_reader::count(std::size_t each) {
  std::uint64_t n = 0;
  copy(&n, sizeof n);
  if (n > left_.size() / each)
    throw wire_error("a frame announces " + std::to_string(n) + " elements where " + std::to_string(left_.size()) +
                     " bytes are left");
  return static_cast<std::size_t>(n);
}

std::span<const std::byte> wire_reader::take(std::size_t size) {
  if (size > left_.size()) throw wire_error("a frame ends " + std::to_string(size - left_.size()) + " bytes too early");
  const auto taken = left_.first(size);
  left_ = left_.subspan(size);
  return taken;
}

std::span<const std::byte> wire_reader::take_aligned(std::size_t size) {
  const auto padding = read<unsigned char>();
  if (padding >= most_padding) throw wire_error("a frame has " + std::to_string(padding) + " bytes of padding");
  static_cast<void>(take(padding));
  return take(size);
}

void wire_reader::copy(void* to, std::size_t size) {
  const auto from = take(size);
  if (size != 0) std::memcpy(to, from.data(), size);
}

std::shared_ptr<const shared_block> wire_reader::attachment() {
  std::uint64_t place = 0;
  copy(&place, sizeof place);
  if (place >= attached_.size())
    throw wire_error("a frame names shared buffer " + std::to_string(place) + " where " +
                     std::to_string(attached_.size()) + " came with it");
  return attached_[place];
}

void wire_reader::finish() const {
  if (!left_.empty()) throw wire_error("a frame has " + std::to_string(left_.size()) + " bytes too many");
}

const attachments& wire_reader::none() noexcept {
  static const auto& nothing = *new attachments;  // never destroyed: read during exit(), too
  return nothing;
}

}  // namespace workit
