// remote_channel: values are put together as they come, and room is given as they go.
//
// Invariants
// 1. At most `capacity` values are sent and not received: the channel of a worker that sends more is closed.
// 2. The worker's page is written between connect() and disconnect() only, under mutex_: the next task of that worker
//    never gets the room of this one.
// Lock order: mutex_ may be taken under the pool's; nothing is called under it.
#include <workit/workers/detail/remote_channel.hpp>

#include <stdexcept>
#include <workit/wait/channel_closed.hpp>

#include "task_channel.hpp"
#include "worker_handle.hpp"

namespace workit::workers {

static_assert(most_channels == sizeof(control_block::channels) / sizeof(control_block::channel_fields));

remote_channel::remote_channel(channel_options options) : name_(options.name), parts_(std::move(options)) {}

std::optional<encoded_result> remote_channel::receive() {
  auto part = parts_.receive();
  if (part) give_room();
  return part;
}

std::optional<encoded_result> remote_channel::try_receive() noexcept {
  auto part = parts_.try_receive();
  if (part) give_room();
  return part;
}

std::shared_ptr<remote_channel> remote_channel::reading_end() {
  return {this, [self = shared_from_this()](remote_channel*) { self->leave("stream_consumer_closed"); }};
}

std::shared_ptr<remote_channel> remote_channel::sending_end() {
  return {this, [self = shared_from_this()](remote_channel*) { self->leave("stream_producer_gone"); }};
}

void remote_channel::leave(const char* tag) noexcept {
  if (!closed()) close(reason::manual{tag});
}

void remote_channel::begin() {
  {
    const thread_lock lock(mutex_);
    if (!begun_) {
      begun_ = true;
      return;
    }
  }
  if (closed()) throw channel_closed(name_, {}, error());
  throw std::logic_error("channel \"" + name_ +
                         "\" is fed by a call already, and by one only: make another worker_channel for this call");
}

bool remote_channel::close(std::optional<cancel_reason> why, std::exception_ptr error) {
  const bool first = error != nullptr ? parts_.close(std::move(error)) : why ? parts_.close(*why) : parts_.close();
  if (!first) return false;
  const thread_lock lock(mutex_);
  why_ = std::move(why);
  tell_closed();
  return true;
}

void remote_channel::connect(std::shared_ptr<worker_handle> worker, unsigned place, std::uint64_t most) {
  const thread_lock lock(mutex_);
  if (over_) return;
  worker_ = std::move(worker);
  place_ = place;
  most_.store(std::min<std::uint64_t>(most, largest_payload), std::memory_order_relaxed);
  worker_->control().channels[place_].room.store(static_cast<std::uint32_t>(capacity()) * channel_word::one,
                                                 std::memory_order_relaxed);
  if (closed()) tell_closed();
}

void remote_channel::disconnect() noexcept {
  std::shared_ptr<worker_handle> last;  // destroyed after the mutex is free
  const thread_lock lock(mutex_);
  over_ = true;
  last.swap(worker_);
}

void remote_channel::tell_closed() noexcept {
  if (worker_ == nullptr) return;
  auto& page = worker_->control().channels[place_];
  page.has_reason = why_.has_value();
  if (why_) write_reason(page.why, *why_);
  page.room.fetch_or(channel_word::closed, std::memory_order_release);
  wake(page.room);
}

void remote_channel::give_room() noexcept {
  const thread_lock lock(mutex_);
  if (worker_ == nullptr) return;
  auto& room = worker_->control().channels[place_].room;
  if ((room.fetch_add(channel_word::one, std::memory_order_acq_rel) & channel_word::waits) != 0) wake(room);
}

void remote_channel::take(const part_message& part, std::span<const std::byte> content,
                          std::vector<unique_fd> beside) noexcept {
  try {
    if (!closed()) put_together(part, content, std::move(beside));
  } catch (const channel_closed&) {  // it was closed meanwhile
    coming_ = {};
  } catch (...) {
    coming_ = {};
    close({}, std::current_exception());
  }
}

void remote_channel::put_together(const part_message& part, std::span<const std::byte> content,
                                  std::vector<unique_fd> beside) {
  const auto refuse = [&](const std::string& why) {
    throw wire_error("channel \"" + name_ + "\": its worker has sent " + why);
  };
  auto& frame = coming_.frame;
  if (part.offset == 0) {
    coming_ = {};
    announced_ = part.size;
    if (announced_ > most_.load(std::memory_order_relaxed))
      refuse("a value of " + std::to_string(announced_) + " bytes, more than it may have");
    workers::take_blocks(std::move(beside), coming_.beside);
  }
  if (part.size != announced_ || part.offset != frame.size() || content.size() > announced_ - frame.size())
    refuse("a piece that fits nowhere");
  frame.append(content.data(), content.size());  // grows by what has come, whatever was announced
  if (frame.size() < announced_) return;
  if (!parts_.try_send(std::move(coming_))) refuse("a value for which there is no room");
  coming_ = {};
}

}  // namespace workit::workers
