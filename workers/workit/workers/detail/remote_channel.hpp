// remote_channel: the host's end of a channel whose sender is in a worker; all of it but the type of its values.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/wait/channel.hpp>
#include <workit/workers/detail/remote_call.hpp>

namespace workit::workers {

class worker_handle;

/// How many channels one call can have.
inline constexpr std::size_t most_channels = 4;

/// A part of a value, as it comes on the task channel; the bytes follow.
struct part_message {
  std::uint32_t generation = 0;  ///< of the task
  std::uint32_t place = 0;       ///< of the channel among those of its call
  std::uint64_t size = 0;        ///< of the whole value
  std::uint64_t offset = 0;      ///< of this part in it
};

/// The worker sends a value when there is room for it. The host counts the room in a word of the worker's page and adds
/// to it as values are received, so at most `capacity` values are sent and not received, and take() never waits. One
/// call feeds it, once. Threads: any, unless said. Lifetime: shared.
class remote_channel : public std::enable_shared_from_this<remote_channel> {
 public:
  /// Errors: as channel.
  explicit remote_channel(channel_options options);

  // For the receiver: as channel; the values are encoded.
  [[nodiscard]] std::optional<encoded_result> receive();
  [[nodiscard]] std::optional<encoded_result> try_receive() noexcept;
  bool close(std::optional<cancel_reason> why = {}, std::exception_ptr error = nullptr);
  [[nodiscard]] bool closed() const noexcept { return parts_.closed(); }
  [[nodiscard]] std::exception_ptr error() const { return parts_.error(); }
  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return parts_.capacity(); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// A handle for the receiver: the channel is closed with the last of its copies, since no value will be received.
  [[nodiscard]] std::shared_ptr<remote_channel> reading_end();

  // For the call.
  /// A handle for the call: the channel is closed with the last of its copies, since no value will be sent.
  [[nodiscard]] std::shared_ptr<remote_channel> sending_end();
  /// The call begins. Errors: channel_closed; std::logic_error when another call sends to it.
  void begin();

  // For the pool.
  /// That worker sends from now on, by the channel at `place` on its page, values of at most `most` bytes. Requires:
  /// its word is idle.
  void connect(std::shared_ptr<worker_handle> worker, unsigned place, std::uint64_t most);
  /// The worker has left the call: nothing is written to its page from now on. Final. Blocks: no.
  void disconnect() noexcept;
  /// Takes in a piece of a value. One that does not fit closes the channel with a wire_error. Threads: one at a time.
  void take(const part_message& part, std::span<const std::byte> content, std::vector<unique_fd> beside) noexcept;

 private:
  void leave(const char* tag) noexcept;
  void give_room() noexcept;
  void tell_closed() noexcept WORKIT_REQUIRES(mutex_);
  void put_together(const part_message& part, std::span<const std::byte> content, std::vector<unique_fd> beside);

  const std::string name_;
  const channel<encoded_result> parts_;

  // Of take():
  encoded_result coming_;
  std::uint64_t announced_ = 0;

  thread_mutex mutex_;
  bool begun_ WORKIT_GUARDED_BY(mutex_) = false;
  bool over_ WORKIT_GUARDED_BY(mutex_) = false;                      // has been disconnected
  std::shared_ptr<worker_handle> worker_ WORKIT_GUARDED_BY(mutex_);  // while connected
  unsigned place_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::optional<cancel_reason> why_ WORKIT_GUARDED_BY(mutex_);  // of a close with a reason

  std::atomic<std::uint64_t> most_{0};  // bytes of a value; written before the worker can send one
};

/// The worker's end; all of it but the type. Threads: one at a time for each place.
/// The task that begins here has sent nothing yet.
void begin_sending(std::uint64_t place);
/// Sends a value. Blocks: the thread, while there is no room. Errors: as worker_sender::send().
void send_part(std::uint64_t place, const std::string& channel, const wire_writer& value);
[[nodiscard]] bool is_closed(std::uint64_t place) noexcept;

}  // namespace workit::workers
