// host_budgets: one question to the host for each charge.
//
// Invariants
// 1. One question is open at a time: mutex_ is held from the question to its answer. Only threads of the worker take
// it. Lock order: there is one lock.
#include "host_budgets.hpp"

#include <poll.h>

#include <workit/base/errors.hpp>
#include <workit/base/thread_mutex.hpp>

namespace workit::workers {
namespace {

using verdict = charge_answer::verdict;

class host_budgets final : public workit::detail::remote_budgets {
 public:
  host_budgets(int socket, void (*send)(const bytes&)) noexcept : socket_(socket), send_(send) {}

  void consume(std::span<const charge> charges) override {
    charges_message asked;
    for (const auto& each : charges)
      asked.parts.push_back({each.key->name(), each.how_much.in_units(each.key->digits()), each.key->digits()});
    const auto answer = ask(std::move(asked));
    switch (answer.decided) {
      case verdict::charged:
        return;
      case verdict::refused:
        throw budget_exceeded({.key = answer.key,
                               .limit = amount::of_units(answer.limit, answer.digits),
                               .spent = amount::of_units(answer.spent, answer.digits),
                               .attempted = amount::of_units(answer.attempted, answer.digits),
                               .unit = answer.unit});
      case verdict::not_set:
        throw budget_not_set(answer.key, "the worker's host");
      case verdict::invalid:
        break;
    }
    throw invalid_amount(answer.key);
  }

  std::optional<budget_state> budget(const budget_key& key) override {
    charges_message asked{.only_look = true};
    asked.parts.push_back({key.name(), 0, key.digits()});
    const auto answer = ask(std::move(asked));
    if (answer.decided != verdict::charged) return std::nullopt;
    return budget_state{&key, amount::of_units(answer.limit, answer.digits),
                        amount::of_units(answer.spent, answer.digits)};
  }

 private:
  charge_answer ask(charges_message asked) {
    const thread_lock lock(mutex_);
    asked.question = ++last_question_;
    send_(encode(asked));
    for (;;) {
      pollfd answered{socket_, POLLIN, 0};
      ::poll(&answered, 1, -1);
      const auto next = receive(socket_);
      if (!next && (answered.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        throw error("the host of this worker does not answer any more");
      const auto answer = next ? decode_answer(next->content) : std::nullopt;
      if (answer && answer->question == last_question_) return *answer;
    }
  }

  const int socket_;
  void (*const send_)(const bytes&);
  thread_mutex mutex_;
  std::uint32_t last_question_ WORKIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::shared_ptr<workit::detail::remote_budgets> make_host_budgets(int socket, void (*send)(const bytes&)) {
  return std::make_shared<host_budgets>(socket, send);
}

}  // namespace workit::workers
