// Charges of a worker, answered by a thread in the place of the host.
#include <gtest/gtest.h>

#include <poll.h>
#include <functional>
#include <host_budgets.hpp>
#include <thread>
#include <workit/base/errors.hpp>

#include "../ipc/socket_pair.hpp"

namespace workit::workers {
namespace {

using verdict = charge_answer::verdict;

const budget_key tokens("tokens", {.unit = "tok", .digits = 2});
test::socket_pair* between = nullptr;
void send_from_worker(const bytes& packet) {
  EXPECT_EQ(send_packet(between->worker.get(), {packet.data(), packet.size()}), transfer::done);
}

class HostBudgets : public testing::Test {
 protected:
  HostBudgets() { between = &sockets_; }

  /// Does `act` while a host answers its one question.
  void with_host(charge_answer answer, const std::function<void()>& act) {
    std::thread host([&] {
      pollfd coming{sockets_.host.get(), POLLIN, 0};
      ::poll(&coming, 1, -1);
      const auto got = receive(sockets_.host.get());
      asked_ = std::get<charges_message>(decode(got->content).value());
      send({.question = asked_.question - 1, .decided = verdict::invalid});  // an answer that is not to this question
      answer.question = asked_.question;
      send(answer);
    });
    act();
    host.join();
  }
  void send(const charge_answer& answer) const {
    const auto packet = encode(answer);
    EXPECT_EQ(send_packet(sockets_.host.get(), {packet.data(), packet.size()}), transfer::done);
  }

  test::socket_pair sockets_;
  charges_message asked_;
  const std::shared_ptr<workit::detail::remote_budgets> budgets_ =
      make_host_budgets(sockets_.worker.get(), send_from_worker);
  const charge one_{tokens, 1.5};
};

TEST_F(HostBudgets, AreChargedByOneQuestion) {
  with_host({}, [&] { EXPECT_NO_THROW(budgets_->consume({&one_, 1})); });
  ASSERT_EQ(asked_.parts.size(), 1U);
  EXPECT_EQ(asked_.parts[0].key, "tokens");
  EXPECT_EQ(asked_.parts[0].units, 150);
  EXPECT_EQ(asked_.parts[0].digits, 2U);
  EXPECT_FALSE(asked_.only_look);
}

TEST_F(HostBudgets, ThrowWhatTheHostSays) {
  with_host({.decided = verdict::refused, .key = "tokens", .digits = 2, .limit = 100}, [&] {
    EXPECT_THROW(budgets_->consume({&one_, 1}), budget_exceeded);
  });
  with_host({.decided = verdict::not_set, .key = "tokens"}, [&] {
    EXPECT_THROW(budgets_->consume({&one_, 1}), budget_not_set);
  });
  with_host({.decided = verdict::invalid, .key = "tokens"}, [&] {
    EXPECT_THROW(budgets_->consume({&one_, 1}), invalid_amount);
  });
}

TEST_F(HostBudgets, CanBeLookedAt) {
  std::optional<budget_state> state;
  with_host({.digits = 2, .limit = 500, .spent = 150}, [&] { state = budgets_->budget(tokens); });
  ASSERT_TRUE(state);
  EXPECT_EQ(state->limit, amount(5));
  EXPECT_EQ(state->spent, amount(1.5));
  EXPECT_TRUE(asked_.only_look);
  with_host({.decided = verdict::not_set}, [&] { state = budgets_->budget(tokens); });
  EXPECT_FALSE(state);
}

TEST_F(HostBudgets, EndWithTheHost) {
  std::thread host([&] {
    pollfd coming{sockets_.host.get(), POLLIN, 0};
    ::poll(&coming, 1, -1);
    sockets_.host.reset();
  });
  EXPECT_THROW(budgets_->consume({&one_, 1}), error);
  host.join();
}

}  // namespace
}  // namespace workit::workers
