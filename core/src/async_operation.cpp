// async_operation: awaits, and cancels where the I/O object lives.
//
// Invariants
// 1. signal_ is emitted on the thread of the I/O object only: emitted from another one into a composed operation, Asio
//    races with itself. For an object of this loop that is the fiber itself; else it is posted there, and await() does
//    not return before the answer is back.
// 2. The slot is empty before the fiber goes on: a stale handler in it would refer to a socket that may be gone.
// Lock order: there are no locks.
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <workit/detail/async_operation.hpp>
#include <workit/detail/fiber.hpp>
#include <workit/detail/loop.hpp>

namespace workit::detail {

async_operation::async_operation() : fiber_(fiber::require("awaiting an I/O operation")) {
  fiber_.check();
  fiber_.home.operation_started();
}

async_operation::~async_operation() { fiber_.home.operation_ended(); }

void async_operation::belongs_to(boost::asio::any_io_executor executor) {
  const auto& context = boost::asio::query(executor, boost::asio::execution::context);
  if (&context != &fiber_.home.io()) elsewhere_ = std::move(executor);
}

boost::asio::io_context::executor_type async_operation::home_executor() const noexcept {
  return fiber_.home.io().get_executor();
}

void async_operation::complete() noexcept {
  done_ = true;
  fiber_.wake();
}

void async_operation::await() {
  if (!fiber_.wait([this] { return done_; })) {
    cancelled_ = true;
    emit();
    fiber_.wait_shielded([this] { return done_ && !emitting_; });
  }
  signal_.slot().clear();
}

void async_operation::emit() {
  if (!elsewhere_) return signal_.emit(boost::asio::cancellation_type::terminal);
  emitting_ = true;
  boost::asio::post(elsewhere_, [this, home = fiber_.home.shared_from_this()] {
    signal_.emit(boost::asio::cancellation_type::terminal);
    home->post([this] {
      emitting_ = false;
      fiber_.wake();
    });
  });
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
