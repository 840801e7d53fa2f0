// async_operation: awaits, and cancels where the steps of the operation run.
//
// Invariants
// 1. signal_ is emitted on the fiber's loop only, and only while the operation is outstanding. There the steps of a
//    composed operation run too, wherever its object lives, because that loop is the handler's associated executor:
//    each step puts a handler of its own into the slot, and an emission from any other thread, that of the object's
//    io_context included, races with it.
// 2. The slot is empty before the fiber goes on: a stale handler in it would refer to a socket that may be gone.
// Lock order: there are no locks.
#include <workit/fiber/detail/async_operation.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {

async_operation::async_operation() : fiber_(fiber::require("awaiting an I/O operation")) {
  fiber_.check();
  fiber_.home.operation_started();
}

async_operation::~async_operation() { fiber_.home.operation_ended(); }

boost::asio::io_context::executor_type async_operation::home_executor() const noexcept {
  return fiber_.home.io().get_executor();
}

void async_operation::complete() noexcept {
  done_ = true;
  fiber_.wake();
}

void async_operation::await() {
  if (!fiber_.wait("I/O", [this] { return done_; })) {
    cancelled_ = true;
    signal_.emit(boost::asio::cancellation_type::terminal);
    fiber_.wait_shielded("I/O, cancelled", [this] { return done_; });
  }
  signal_.slot().clear();
}

void async_operation::throw_if_cancelled() {
  if (cancelled_) fiber_.leave();
}

bool async_operation::says_aborted(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace workit::detail
