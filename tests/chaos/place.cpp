// Scopes with books, and which errors may come.
#include "place.hpp"

#include <system_error>

namespace workit::chaos {
namespace {

template <class... Errors>
bool is_one_of(const std::exception_ptr& error) noexcept {
  const auto is = [&]<class E>(std::type_identity<E>) {
    try {
      std::rethrow_exception(error);
    } catch (const E&) {
      return true;
    } catch (...) {
      return false;
    }
  };
  return (is(std::type_identity<Errors>{}) || ...);
}

void compare(const scope_receipt& r, books& own, const scope_book& book) {
  const auto least = book.spawned.load(), most = least + book.given_from_outside.load();
  if (r.tasks < least || r.tasks > most)
    own.complain("scope \"" + r.name + "\" had " + std::to_string(least) + " to " + std::to_string(most) +
                 " tasks, but the tasks of its receipt are " + std::to_string(r.tasks));
  if (r.succeeded + r.failed + r.cancelled != r.tasks)
    own.complain("scope \"" + r.name + "\": its tasks are not accounted for");
  for (const auto& stop : r.stops) {
    if (stop.receipt.stopped < stop.receipt.requested)
      own.complain("task \"" + stop.task + "\" was stopped before that was asked for");
    const bool has_proof = stop.receipt.proof != stop_proof::none;
    if (!has_proof && stop.receipt.method != stop_method::refused)
      own.complain("task \"" + stop.task + "\" was stopped (" + std::string(to_string(stop.receipt.method)) +
                   ") without proof");
  }
}

}  // namespace

scope_options with_receipt(scope_options options, books& own, std::shared_ptr<scope_book> book) {
  options.on_receipt = [&own, book = std::move(book)](const scope_receipt& r) {
    own.receipts.fetch_add(1);
    compare(r, own, *book);
  };
  return options;
}

void place::open(scope_options options, const std::function<void(place&)>& body) {
  auto book_below = std::make_shared<scope_book>();
  const auto seed = random();
  const bool seen_from_outside = random.one_in(4);
  bool opened = false;
  const auto count = [&] {
    if (!std::exchange(opened, true)) in.own.roots.fetch_add(1);
  };
  auto given = with_receipt(std::move(options), in.own, book_below);
  // A scope that does not open, since there is no stack left, has no receipt; one without time has one.
  if (given.deadline) count();
  s.scope(std::move(given), [&](scope& inner) {
    count();
    place below{in, inner, book_below, draws(seed), depth + 1};
    if (seen_from_outside) {
      book_below->given_from_outside.fetch_add(1'000'000);  // any thread may give it tasks now
      in.scopes.put(inner.remote(), seed);
    }
    body(below);
  });
}

void place::defer() {
  in.own.cleanups_given.fetch_add(1);
  s.defer([hold = held(), &own = in.own,
           pause = random.one_in(8) ? random.us(200) : std::chrono::microseconds(0)](context& ctx) {
    if (pause.count() != 0) ctx.sleep_for(pause);
    own.cleanups_run.fetch_add(1);
  });
}

void place::failed(const std::string& what, const std::exception_ptr& error) {
  in.own.failures.fetch_add(1);
  if (is_one_of<timed_out>(error) || (in.troubled && is_trouble(error))) return;
  in.own.complain(what + " ended by " + words_of(error));
}

bool is_trouble(const std::exception_ptr& error) noexcept {
  return is_one_of<start_failed, worker_crashed, zygote_lost, std::system_error>(error);
}

bool is_stop(const std::exception_ptr& error) noexcept {
  return is_one_of<cancelled, timed_out, scope_cancelled, task_cancelled, budget_exceeded>(error);
}

}  // namespace workit::chaos
