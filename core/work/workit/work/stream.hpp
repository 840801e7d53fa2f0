// work_stream: the values of a work(), one by one, as they become ready.
#pragma once

#include <iterator>
#include <type_traits>
#include <workit/work/detail/work_run_of.hpp>

namespace workit {

/// What work_builder::stream returns: `for (auto& value : work(rows).in_parallel(16).map(parse).stream(ctx))`. Values
/// come in the order in which they are ready. The items run in a scope `work-stream`, below the one in which the stream
/// was made, from the first next() on; the source is asked for an item only when a place is free: at most in_parallel
/// more than were taken. Its end, early or not, has all items joined and the source destroyed: leaving the loop cancels
/// what is under way (reason::manual{"stream_consumer_closed"}).
///
/// Threads: the fiber that made it. Lifetime: ends before the scope or task in which it was made, which waits for the
/// items: it cannot be moved, so that no frame can be left without it.
template <class Source, class Done, class... Stages>
class work_stream {
  using parts = detail::work_parts<Source, Done, Stages...>;
  using run = detail::work_run_of<detail::stream_run, detail::stream_t, Source, Done, Stages...>;
  using O = typename parts::value;

 public:
  /// A std::reference_wrapper for references, std::monostate for functions without a value.
  using value_type = detail::listed<detail::element<O>>;
  class iterator;

  work_stream(context& ctx, parts of) : parts_(std::move(of)), run_(ctx, parts_) {}
  ~work_stream() { run_.close(); }
  work_stream(const work_stream&) = delete;
  work_stream& operator=(const work_stream&) = delete;

  /// The next value; none when there are no more. Blocks: the fiber, until one is ready. Cancel: is a cancel point.
  /// Errors: what an item or the source threw, once all that were under way have ended; the values that were ready
  /// before come first.
  [[nodiscard]] std::optional<value_type> next() {
    auto place = run_.next();
    if (place == nullptr) return std::nullopt;
    struct give_back {
      run& to;
      std::unique_ptr<detail::work_place>& place;
      ~give_back() { to.taken(std::move(place)); }
    } const then{run_, place};
    return detail::take<O>(static_cast<typename run::place&>(*place).value);
  }

  /// Iterates by next(): an input iteration, once.
  [[nodiscard]] iterator begin() { return iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  parts parts_;
  run run_;
};

template <class Source, class Done, class... Stages>
class work_stream<Source, Done, Stages...>::iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = typename work_stream::value_type;
  using difference_type = std::ptrdiff_t;

  static constexpr bool moves_safely =
      std::is_nothrow_move_constructible_v<value_type> && std::is_nothrow_move_assignable_v<value_type>;

  explicit iterator(work_stream& of) : of_(&of) { ++*this; }
  iterator(iterator&&) noexcept(moves_safely) = default;
  iterator& operator=(iterator&&) noexcept(moves_safely) = default;

  [[nodiscard]] value_type& operator*() const noexcept { return *value_; }
  iterator& operator++() {
    value_.reset();
    if (auto next = of_->next()) value_.emplace(std::move(*next));
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.value_; }

 private:
  work_stream* of_;
  mutable std::optional<value_type> value_;
};

}  // namespace workit
