// remote_channel: the host's end of a channel whose sender is in a worker; all of it but the type of its values.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <workit/base/unique_fd.hpp>
#include <workit/wait/channel.hpp>
#include <workit/workers/detail/remote_call.hpp>

namespace workit::workers {

class worker_handle;

/// How many channels one call can have.
inline constexpr std::size_t most_channels = 4;

/// A piece of a value, as it comes on the line; the bytes follow.
struct part_message {
  std::uint32_t generation = 0;  ///< of the task
  std::uint32_t place = 0;       ///< of the channel among those of its call
  std::uint64_t size = 0;        ///< of the whole value
  std::uint64_t offset = 0;      ///< of this piece in it
};

/// The worker may send a value for which there is room: the host counts the room, in a word of the worker's page, and
/// adds to it as values are received. So what has been sent and not received is never more than `capacity` values, and
/// putting one in never waits. One call feeds it, once. Threads: any, unless said. Lifetime: shared.
class remote_channel : public std::enable_shared_from_this<remote_channel> {
 public:
  /// Errors: as channel.
  explicit remote_channel(channel_options options);

  // For who receives: as channel; the values are encoded.
  [[nodiscard]] std::optional<encoded_result> receive();
  [[nodiscard]] std::optional<encoded_result> try_receive() noexcept;
  bool close(std::optional<cancel_reason> why = {}, std::exception_ptr error = nullptr);
  [[nodiscard]] bool closed() const noexcept { return parts_.closed(); }
  [[nodiscard]] std::exception_ptr error() const { return parts_.error(); }
  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return parts_.capacity(); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// A handle for who receives: with the last of its copies the channel is closed, as nobody will receive any more.
  [[nodiscard]] std::shared_ptr<remote_channel> reading_end();

  // For the call.
  /// A handle for it: with the last of its copies the channel is closed, as nobody will send any more.
  [[nodiscard]] std::shared_ptr<remote_channel> sending_end();
  /// The call begins. Errors: channel_closed; std::logic_error when another one feeds it.
  void begin();

  // For the pool.
  /// From now on that worker sends, from the channel's `place` on its page, values of `most` bytes at most. Requires:
  /// its word is idle.
  void connect(std::shared_ptr<worker_handle> worker, unsigned place, std::uint64_t most);
  /// The worker is not the call's any more: nothing is written to its page from now on. For good. Blocks: no.
  void disconnect() noexcept;
  /// A piece that has come. What cannot be closes the channel with a wire_error. Threads: one at a time.
  void take(const part_message& part, std::span<const std::byte> content, std::vector<unique_fd> beside) noexcept;

 private:
  void leave(const char* tag) noexcept;
  void give_room() noexcept;
  void tell_closed() noexcept;
  void put_together(const part_message& part, std::span<const std::byte> content, std::vector<unique_fd> beside);

  const std::string name_;
  const channel<encoded_result> parts_;

  // Of take():
  encoded_result coming_;
  std::uint64_t announced_ = 0;

  std::mutex mutex_;
  // Guarded by mutex_:
  bool begun_ = false;
  bool over_ = false;                      // has been disconnected
  std::shared_ptr<worker_handle> worker_;  // while connected
  unsigned place_ = 0;
  std::uint64_t most_ = 0;
  std::optional<cancel_reason> why_;  // of a close with a reason
};

/// The worker's end; all of it but the type. Threads: one at a time for each place.
/// The task that begins here has sent nothing yet.
void begin_sending(std::uint64_t place);
/// Sends a value. Blocks: the thread, while there is no room. Errors: as worker_sender::send().
void send_part(std::uint64_t place, const std::string& channel, const wire_writer& value);
[[nodiscard]] bool is_closed(std::uint64_t place) noexcept;

}  // namespace workit::workers
