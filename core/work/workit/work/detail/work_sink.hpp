// work_sink: what is kept of the items that have ended, for each error mode.
#pragma once

#include <algorithm>
#include <numeric>
#include <workit/base/errors.hpp>
#include <workit/base/outcome.hpp>
#include <workit/work/detail/work_run.hpp>
#include <workit/work/on_error.hpp>

namespace workit::detail {

/// Things that come in any order and are wanted in that of their items. They are only ever moved, never assigned.
template <class T>
class in_item_order {
 public:
  void add(std::size_t index, T thing) { kept_.emplace_back(index, std::move(thing)); }

  std::vector<T> take() {
    std::vector<std::size_t> order(kept_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto by_index = [&](std::size_t a, std::size_t b) { return kept_[a].first < kept_[b].first; };
    if (!std::is_sorted(order.begin(), order.end(), by_index)) std::sort(order.begin(), order.end(), by_index);
    std::vector<T> all;
    all.reserve(order.size());
    for (const auto i : order) all.push_back(std::move(kept_[i].second));
    kept_.clear();
    return all;
  }

 private:
  std::vector<std::pair<std::size_t, T>> kept_;
};

/// The values of those that succeeded; of functions without a value only their number.
template <class O>
class kept_values {
 public:
  void add(std::size_t index, slot<O>& value) { values_.add(index, restore<O>(std::move(*value))); }
  void take_into(work_results<O>& to) { to.results = values_.take(); }

 private:
  in_item_order<listed<O>> values_;
};
template <>
class kept_values<void> {
 public:
  void add(std::size_t, slot<void>&) noexcept { ++number_; }
  void take_into(work_results<void>& to) noexcept { to.succeeded = number_; }

 private:
  std::size_t number_ = 0;
};

/// An item as it is kept in a report.
template <class Source>
struct kept_item {
  using item = typename Source::item;
  using plain = std::remove_cvref_t<item>;
  static constexpr bool can_copy = std::is_copy_constructible_v<plain>;
  using type =
      std::conditional_t<can_copy || Source::owns_items, plain, std::reference_wrapper<std::remove_reference_t<item>>>;

  static type of(std::remove_reference_t<item>& item) {
    if constexpr (!can_copy && Source::owns_items)
      return type(std::move(item));
    else
      return type(item);
  }
};

/// The error that stands for an item that alone was cancelled.
inline std::exception_ptr cancellation_of(const work_end& end) {
  return std::make_exception_ptr(task_cancelled(*end.why, end.name));
}

inline bool was_filtered(const work_place& place) noexcept { return place.filtered; }

template <class Mode, class Source, class O>
class work_sink;

template <class Source, class O>
class work_sink<on_error::fail_t, Source, O> {
 public:
  static constexpr auto mode = work_mode::fail;
  void add(const work_place& place, const work_end& end, auto&, slot<O>& value) {
    if (end.how == task_status::succeeded) values_.add(place.index, value);
  }
  all_of_list<O> take(const work_run&) {
    if constexpr (!std::is_void_v<O>) {
      work_results<O> all;
      values_.take_into(all);
      return std::move(all.results);
    }
  }

 private:
  kept_values<O> values_;
};

template <class Source, class O>
class work_sink<on_error::continue_t, Source, O> {
  using kept = kept_item<Source>;

 public:
  static constexpr auto mode = work_mode::tolerate;
  void add(const work_place& place, const work_end& end, auto& item, slot<O>& value) {
    if (end.how == task_status::succeeded)
      values_.add(place.index, value);
    else if (was_filtered(place))
      ++all_.filtered;
    else
      errors_.add(place.index, {place.index, kept::of(item),
                                end.how == task_status::failed ? end.error : cancellation_of(end), place.attempts});
  }
  auto take(const work_run&) {
    values_.take_into(all_);
    all_.errors = errors_.take();
    return std::move(all_);
  }

 private:
  continued<typename kept::type, O> all_;
  kept_values<O> values_;
  in_item_order<item_error<typename kept::type>> errors_;
};

template <class Source, class O>
class work_sink<on_error::collect_t, Source, O> {
 public:
  static constexpr auto mode = work_mode::tolerate;
  void add(const work_place& place, const work_end& end, auto&, slot<O>& value) {
    ends_.add(place.index, end.how == task_status::succeeded ? outcome<O>::of_value(std::move(*value))
                           : end.how == task_status::failed  ? outcome<O>::of_error(end.error)
                                                             : outcome<O>::of_cancellation(*end.why));
  }
  std::vector<outcome<O>> take(const work_run&) { return ends_.take(); }

 private:
  in_item_order<outcome<O>> ends_;
};

template <class Source, class O>
class work_sink<on_error::partial_t, Source, O> {
  using kept = kept_item<Source>;

 public:
  static constexpr auto mode = work_mode::partial;
  void add(const work_place& place, const work_end& end, auto& item, slot<O>& value) {
    if (end.how == task_status::succeeded)
      values_.add(place.index, value);
    else if (was_filtered(place))
      ++all_.filtered;
    else if (end.how == task_status::cancelled)
      cancelled_.add(place.index, {place.index, kept::of(item), *end.why});
  }
  auto take(const work_run& run) {
    values_.take_into(all_);
    all_.cancelled = cancelled_.take();
    all_.why = run.stopped();
    if (!all_.why && !all_.cancelled.empty()) all_.why = all_.cancelled.front().why;
    return std::move(all_);
  }

 private:
  partial<typename kept::type, O> all_;
  kept_values<O> values_;
  in_item_order<item_cancelled<typename kept::type>> cancelled_;
};

/// A stream keeps nothing: its values go to the consumer.
struct stream_t {};
template <class Source, class O>
class work_sink<stream_t, Source, O> {
 public:
  void add(const work_place&, const work_end&, auto&, slot<O>&) noexcept {}
};

}  // namespace workit::detail
