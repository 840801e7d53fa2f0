// worker_channel<T>: a channel through which a task in a worker process hands values to its host while it runs.
#pragma once

#include <iterator>
#include <utility>
#include <workit/wait/detail/receiving_iterator.hpp>
#include <workit/workers/detail/remote_channel.hpp>

namespace workit {

template <class T>
class worker_sender;

/// The receiving end, in the host; used as a channel<T>. It is given to offload() where the function takes a
/// worker_sender<T>:
///
///   void parse(workit::worker_sender<row> rows, const std::string& file);   // rows.send(row) as it goes
///
///   workit::worker_channel<row> rows({.capacity = 16});
///   auto parsed = request.spawn(workit::offload({}, parse, rows, file));
///   for (auto& row : rows) show(row);
///
/// Guarantees: values come in the order in which they were sent. `capacity` is how many can be under way, sent and not
/// received; a further send() waits in the worker, where it can be stopped as anywhere else. Each value that was sent
/// is received before the end is seen, also when the worker has crashed or was killed. The channel closes with the
/// call: in peace when that has a value; else with the error that the call throws, which an iteration throws then;
/// channel_closed{reason} when the scope of the call is stopping.
///
/// One call feeds a channel, once; a second one gets channel_closed. A handle; copies refer to the same channel, and
/// when the last of them has gone it is closed: a sender gets channel_closed{"stream_consumer_closed"} then.
///
/// T: what travels (docs/process-boundary.md), shared_buffers in it included.
/// Threads: any; fibers of any loop of any runtime, and foreign threads, which receive() blocks.
template <class T>
class worker_channel {
 public:
  using value_type = T;
  using iterator = detail::receiving_iterator<worker_channel>;

  /// Errors: as channel.
  explicit worker_channel(channel_options options = {})
      : core_(std::make_shared<workers::remote_channel>(std::move(options))->reading_end()) {
    detail::must_travel<T>();
  }
  worker_channel(const worker_channel&) = default;  // and no move: a handle is never empty
  worker_channel& operator=(const worker_channel&) = default;

  /// The next value; none when the channel is closed and drained, whichever way it was closed (see error()). Blocks:
  /// the fiber, or the foreign thread, while there is none. Cancel: is a cancel point. Errors: as channel::receive();
  /// wire_error for what is no T.
  [[nodiscard]] std::optional<T> receive() const { return read(core_->receive()); }
  /// The next value, if there is one now. Blocks: no. Cancel: no cancel point. Errors: wire_error for what is no T.
  [[nodiscard]] std::optional<T> try_receive() const { return read(core_->try_receive()); }

  /// Ends the sending: send() throws channel_closed in the worker, with the reason if there is one; what has come is
  /// left to be received, and what is still on its way is lost. The first call decides how it was closed, and gets
  /// true. Blocks: no.
  bool close() const { return core_->close(); }
  bool close(cancel_reason why) const { return core_->close(std::move(why)); }
  bool close(std::string tag) const { return close(reason::manual{.tag = std::move(tag)}); }
  [[nodiscard]] bool closed() const noexcept { return core_->closed(); }
  /// What it was closed with, channel_closed{why} in case of a reason; null while open, and after a clean end.
  [[nodiscard]] std::exception_ptr error() const { return core_->error(); }

  /// How many values are in it: 0 to capacity().
  [[nodiscard]] std::size_t size() const noexcept { return core_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return core_->capacity(); }

  /// Receives until the channel is closed and drained: `for (auto& value : channel)`. Blocks, Cancel: as receive(), at
  /// begin() and at each step. Errors: at the end, what it was closed with (see error()).
  [[nodiscard]] iterator begin() const { return iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  /// Whether both are handles of the same channel.
  friend bool operator==(const worker_channel&, const worker_channel&) = default;

 private:
  friend class worker_sender<T>;
  static std::optional<T> read(std::optional<workers::encoded_result> part) {
    if (!part) return std::nullopt;
    return workers::read_result<T>(*part);
  }

  std::shared_ptr<workers::remote_channel> core_;
};

/// The sending end, in the worker: what a function takes by value where its caller gives a worker_channel<T>. At
/// boundary::process only. Threads: one at a time. Lifetime: the task's.
template <class T>
class worker_sender {
 public:
  worker_sender(const worker_channel<T>& to) : host_(to.core_->shared_from_this()) {}  // NOLINT: a caller gives that

  /// Sends a copy of `value`. Blocks: the thread, while as many as the channel's capacity are under way. Cancel: throws
  /// `cancelled` when the task is asked to stop while it waits. Errors: channel_closed once the receiving end is
  /// closed; what wire<T> throws; a value larger than limits.output ends the task by resource_exceeded.
  void send(const T& value) const {
    wire_writer frame;
    frame.write(value);
    workers::send_part(place_, name_, frame);
  }
  /// Whether the host receives no more. Blocks: no.
  [[nodiscard]] bool closed() const noexcept { return workers::is_closed(place_); }

 private:
  friend struct wire<worker_sender>;
  worker_sender(std::uint64_t place, std::string name) : place_(place), name_(std::move(name)) {}

  std::shared_ptr<workers::remote_channel> host_;  // until it has travelled
  std::uint64_t place_ = 0;
  std::string name_;
};

template <class T>
struct wire<worker_sender<T>> {
  static void write(wire_writer& to, const worker_sender<T>& value) {
    if (value.host_ == nullptr) throw wire_error("a worker_sender cannot travel on from the worker it was sent to");
    to.attach_channel(value.host_->sending_end());
    to.write(value.host_->name());
  }
  static worker_sender<T> read(wire_reader& from) {
    const auto place = from.read<std::uint64_t>();
    workers::begin_sending(place);
    return worker_sender<T>(place, from.read<std::string>());
  }
};

}  // namespace workit
