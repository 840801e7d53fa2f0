// channel_core: the order of values and of waiters.
//
// Invariants
// 1. Senders wait only while the channel is open and full, receivers only while it is open and empty.
// 2. Values are numbered in the order in which room was claimed for them, and claimed by receivers in that order. One
//    that is handed to a waiting receiver never enters the ring, which is empty then.
// 3. A claim is carried out at once, by the thread that made it. Until then the slot's turn keeps others off (see
//    channel_slot): the ring may count a value that is still being moved.
// 4. why_ and cause_ are written under the lock before closed_, and never after.
// Lock order: lock_ is a leaf; no value is moved or destroyed under it.
#include <workit/wait/detail/channel_core.hpp>

#include <utility>
#include <workit/wait/channel_closed.hpp>

#include <workit/base/detail/check_option.hpp>

namespace workit {
namespace {

std::string ending(const std::optional<cancel_reason>& why, const std::exception_ptr& cause) {
  if (why) return ": " + describe(*why);
  if (cause == nullptr) return {};
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    return std::string(": ") + e.what();
  } catch (...) {
    return ": an exception that is no std::exception";
  }
}

}  // namespace

channel_closed::channel_closed(const std::string& channel, std::optional<cancel_reason> why, std::exception_ptr cause)
    : error("channel \"" + channel + "\" is closed" + ending(why, cause)),
      why_(std::move(why)),
      cause_(std::move(cause)) {}

namespace detail {

channel_core::channel_core(channel_options options) : capacity_(options.capacity), name_(std::move(options.name)) {
  WORKIT_CHECK_OPTION(capacity_ >= 1 && capacity_ <= most_capacity,
                      "channel \"" + name_ + "\" was made with a capacity of " + std::to_string(capacity_) +
                          (capacity_ > most_capacity
                               ? " (as a signed number " + std::to_string(static_cast<std::ptrdiff_t>(capacity_)) + ")"
                               : "") +
                          "; it may be 1 to 1,048,576");
}

bool channel_core::claim_room_now(channel_claim& claim) noexcept {
  if (auto* receiver = receivers_.pop()) {
    claim.what = channel_claim::kind::partner;
    claim.partner = receiver;
    return true;
  }
  if (size_ == capacity_) return false;
  claim.what = channel_claim::kind::slot;
  claim.number = next_ + size_++;
  return true;
}

bool channel_core::claim_value_now(channel_claim& claim) noexcept {
  if (size_ == 0) return false;
  claim.what = channel_claim::kind::slot;
  claim.number = next_++;
  claim.partner = senders_.pop();
  if (claim.partner == nullptr) --size_;
  return true;
}

channel_claim channel_core::claim_room(void* value) {
  enter_wait("sending");
  channel_claim claim;
  std::unique_lock lock(lock_);
  if (closed_) {
    lock.unlock();
    throw_closed();
  }
  if (!claim_room_now(claim)) {
    waiter w(value);
    if (wait_in(senders_, w, lock) == wait_end::refused) throw_closed();
    claim.what = channel_claim::kind::done;
  }
  return claim;
}

channel_claim channel_core::try_claim_room() {
  channel_claim claim;
  std::unique_lock lock(lock_);
  if (closed_) {
    lock.unlock();
    throw_closed();
  }
  claim_room_now(claim);
  return claim;
}

channel_claim channel_core::claim_value(void* into) {
  enter_wait("receiving");
  channel_claim claim;
  std::unique_lock lock(lock_);
  if (!claim_value_now(claim) && !closed_) {
    waiter w(into);
    if (wait_in(receivers_, w, lock) == wait_end::granted) claim.what = channel_claim::kind::done;
  }
  return claim;
}

channel_claim channel_core::try_claim_value() noexcept {
  channel_claim claim;
  const std::lock_guard lock(lock_);
  claim_value_now(claim);
  return claim;
}

bool channel_core::close(std::optional<cancel_reason> why, std::exception_ptr cause) {
  wait_queue refused;
  {
    const std::lock_guard lock(lock_);
    if (closed_) return false;
    why_.swap(why);
    cause_.swap(cause);
    closed_ = true;
    refused.take(senders_);
    refused.take(receivers_);
  }
  refused.wake_all(lock_, wait_end::refused);
  return true;
}

bool channel_core::closed() const noexcept {
  const std::lock_guard lock(lock_);
  return closed_;
}

std::exception_ptr channel_core::failure() const {
  if (!closed()) return nullptr;
  return why_ ? std::make_exception_ptr(channel_closed(name_, why_, nullptr)) : cause_;
}

std::size_t channel_core::size() const noexcept {
  const std::lock_guard lock(lock_);
  return size_;
}

void channel_core::throw_closed() const { throw channel_closed(name_, why_, cause_); }

}  // namespace detail
}  // namespace workit
