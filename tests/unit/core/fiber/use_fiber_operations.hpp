// Asynchronous operations for the tests of use_fiber: one that the test completes, and a thread that they live on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <tuple>
#include <workit/scope/scope.hpp>

namespace workit::test {

namespace asio = boost::asio;

// An asynchronous operation that the test itself completes.
template <class... Args>
struct held_operation {
  std::function<void(Args...)> complete;    // posts the completion to the handler's executor; from any thread
  std::function<void()> on_emit = [] {};    // on cancellation
  asio::any_io_executor handlers_executor;  // the handler's associated executor
  int initiated = 0;
  int emitted = 0;
  asio::cancellation_type emitted_type = asio::cancellation_type::none;
  std::weak_ptr<void> slot_handler;  // what the operation has put into the slot

  template <class Token>
  auto async_wait(Token&& token) {
    return asio::async_initiate<Token, void(Args...)>(
        [this](auto handler) {
          ++initiated;
          handlers_executor = asio::get_associated_executor(handler);
          auto mark = std::make_shared<int>(0);
          slot_handler = mark;
          if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
            slot.assign([this, mark](asio::cancellation_type type) {
              ++emitted;
              emitted_type = type;
              on_emit();
            });
          auto kept = std::make_shared<decltype(handler)>(std::move(handler));
          complete = [kept](Args... args) {
            auto all = std::make_shared<std::tuple<Args...>>(std::move(args)...);
            asio::post(asio::get_associated_executor(*kept),
                       [kept, all] { std::apply([&](auto&... a) { (*kept)(std::move(a)...); }, *all); });
          };
        },
        token);
  }
};

// A context with a thread of its own, as a client library brings one along.
struct foreign_context {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::jthread thread{[this] { io.run(); }};
  ~foreign_context() { work.reset(); }
};

// Until the task has run up to its first suspension.
template <class T>
void until_begun(context& ctx, const task<T>& t) {
  while (t.status() == task_status::pending) ctx.yield();
}

}  // namespace workit::test
