// work(): runs stages over the items of a source, a few at a time.
#pragma once

#include <workit/work/stream.hpp>

namespace workit {

namespace detail {

/// What for_each() and collect() return: a task function.
template <class Mode, class Source, class Done, class... Stages>
class work_job {
  using parts = work_parts<Source, Done, Stages...>;

 public:
  explicit work_job(parts of) : of_(std::move(of)) {}

  auto operator()(context& ctx) {
    work_run_of<work_run, Mode, Source, Done, Stages...> run(of_);
    run.run(ctx, "work");
    return run.take();
  }

 private:
  parts of_;
};

}  // namespace detail

/// Says how the items of a source are to be worked on; immutable: each call returns a new one. Nothing runs before the
/// task function that for_each() and collect() return is called, or the stream asked for a value. What cannot be is
/// refused (std::invalid_argument) by the call that says it.
///
/// Each item is a task `work-item-<index>` in a scope `work` (a stream: `work-stream-item-<index>` in `work-stream`):
/// (rate limit, stages) within the retry, within the timeout, within the deadline. An item is taken from the source
/// when a place is free, never sooner; at most in_parallel() of them are active.
///
/// Threads: as any value. Lifetime: an lvalue range is referred to, all else owned.
template <class Source, class Mode, class Done, class... Stages>
class work_builder {
  using parts = detail::work_parts<Source, Done, Stages...>;

 public:
  explicit work_builder(parts of) : parts_(std::move(of)) {}

  /// At most `n` items at a time, 1 or more; one by default.
  [[nodiscard]] work_builder in_parallel(std::size_t n) && {
    detail::limit_parallel(parts_.plan, n);
    return std::move(*this);
  }
  [[nodiscard]] work_builder in_parallel(std::size_t n) const& { return work_builder(*this).in_parallel(n); }

  /// Starts, those of further attempts included, are at least 1 / per_second s apart: more than zero and finite.
  /// A waiting item takes up a place; one that is cancelled there delays no other.
  [[nodiscard]] work_builder rate_limit(double per_second) && {
    detail::limit_rate(parts_.plan, per_second);
    return std::move(*this);
  }
  [[nodiscard]] work_builder rate_limit(double per_second) const& { return work_builder(*this).rate_limit(per_second); }

  /// An item that fails goes through its stages again: see retry().
  [[nodiscard]] work_builder retry(retry_options options) && {
    detail::retry_items(parts_.plan, std::move(options));
    return std::move(*this);
  }
  [[nodiscard]] work_builder retry(retry_options options) const& {
    return work_builder(*this).retry(std::move(options));
  }

  /// The time that an item may take, all its attempts and waits included: more than zero. See timeout().
  [[nodiscard]] work_builder timeout(time_span limit) && {
    detail::limit_time(parts_.plan, limit);
    return std::move(*this);
  }
  [[nodiscard]] work_builder timeout(time_span limit) const& { return work_builder(*this).timeout(limit); }

  /// The instant by which every item has to have ended: see deadline_at(). For the whole, bound the task function.
  [[nodiscard]] work_builder deadline_at(deadline_point at) && {
    parts_.plan.deadline = at;
    return std::move(*this);
  }
  [[nodiscard]] work_builder deadline_at(deadline_point at) const& { return work_builder(*this).deadline_at(at); }

  /// Takes each item on to what `f` makes of it: f(item) or f(context&, item), which may suspend. One that returns a
  /// task function, as `[](const row& r) { return offload({}, score, r.text); }` does, has it run.
  template <class F>
  [[nodiscard]] auto map(F f) && {
    return std::move(*this).with(detail::map_stage<F>{std::move(f)});
  }
  template <class F>
  [[nodiscard]] auto map(F f) const& {
    return work_builder(*this).map(std::move(f));
  }

  /// Drops items for which `f` is false.
  template <class F>
  [[nodiscard]] auto filter(F f) && {
    return std::move(*this).with(detail::filter_stage<F>{std::move(f)});
  }
  template <class F>
  [[nodiscard]] auto filter(F f) const& {
    return work_builder(*this).filter(std::move(f));
  }

  /// Shows each item to `f` and passes it on.
  template <class F>
  [[nodiscard]] auto tap(F f) && {
    return std::move(*this).with(detail::tap_stage<F>{std::move(f)});
  }
  template <class F>
  [[nodiscard]] auto tap(F f) const& {
    return work_builder(*this).tap(std::move(f));
  }

  /// What becomes of the rest when an item fails, and the type of what for_each() returns: see on_error.hpp.
  template <class M>
  [[nodiscard]] auto on_error(M) && {
    return work_builder<Source, M, Done, Stages...>(std::move(parts_));
  }
  template <class M>
  [[nodiscard]] auto on_error(M mode) const& {
    return work_builder(*this).on_error(mode);
  }

  /// Calls `hook(const item_progress<T>&)` for what an item's body reports (context::report). Like all hooks it must
  /// not suspend; what it throws disturbs nothing, and is told as an event::log (level error) of the scope. The last
  /// one given counts.
  [[nodiscard]] work_builder on_progress(typename parts::progress_hook hook) && {
    parts_.on_progress = std::move(hook);
    return std::move(*this);
  }
  [[nodiscard]] work_builder on_progress(typename parts::progress_hook hook) const& {
    return work_builder(*this).on_progress(std::move(hook));
  }

  /// Calls `hook(const item_done<T, O>&)` once for each item that was taken from the source, when all of it has ended,
  /// before its value is handed on; else as on_progress().
  template <class H>
  [[nodiscard]] auto on_item_done(H hook) && {
    return work_builder<Source, Mode, H, Stages...>({std::move(parts_.source), std::move(parts_.plan),
                                                     std::move(parts_.on_progress), std::move(hook),
                                                     std::move(parts_.stages)});
  }
  template <class H>
  [[nodiscard]] auto on_item_done(H hook) const& {
    return work_builder(*this).on_item_done(std::move(hook));
  }

  /// A task function that calls `f` with what comes out of the stages, as map() does, and returns what the error mode
  /// says: a vector of the values, in the order of the items, by default; nothing if `f` returns nothing, and then it
  /// runs over an endless source in constant memory. Where the source can be passed once (a generator, a function), so
  /// can this be called once.
  ///
  /// Calling it: Blocks: the fiber, until all items have ended and the source is destroyed, if it can be passed once.
  /// Cancel: is a cancel point; cancels and joins the items first. Errors: by the error mode; what the source throws.
  template <class F>
  [[nodiscard("a task function does nothing until it is called")]] auto for_each(F f) && {
    return std::move(*this).map(std::move(f)).job();
  }
  template <class F>
  [[nodiscard("a task function does nothing until it is called")]] auto for_each(F f) const& {
    return work_builder(*this).for_each(std::move(f));
  }

  /// The same without a further function: the values themselves.
  [[nodiscard("a task function does nothing until it is called")]] auto collect() && requires
      std::same_as<Mode, workit::on_error::fail_t> {
    return std::move(*this).job();
  }
  [[nodiscard("a task function does nothing until it is called")]] auto collect()
      const& requires std::same_as<Mode, workit::on_error::fail_t> {
    return work_builder(*this).job();
  }

  /// The values one by one, as they become ready; an error ends it. Blocks: no. Threads: a fiber. See work_stream.
  [[nodiscard]] auto stream(context& ctx) && requires std::same_as<Mode, workit::on_error::fail_t> {
    check();
    return work_stream<Source, Done, Stages...>(ctx, std::move(parts_));
  }
  [[nodiscard]] auto stream(context& ctx) const& requires std::same_as<Mode, workit::on_error::fail_t> {
    return work_builder(*this).stream(ctx);
  }

 private:
  template <class, class, class, class...>
  friend class work_builder;

  template <class Stage>
  auto with(Stage stage) && {
    return work_builder<Source, Mode, Done, Stages..., Stage>(
        {std::move(parts_.source), std::move(parts_.plan), std::move(parts_.on_progress), std::move(parts_.on_done),
         std::tuple_cat(std::move(parts_.stages), std::tuple<Stage>(std::move(stage)))});
  }
  auto job() && {
    check();
    return detail::work_job<Mode, Source, Done, Stages...>(std::move(parts_));
  }
  void check() const {
    if constexpr (detail::gives_away<typename parts::start, Stages...>) detail::check_gives_away(parts_.plan);
  }

  parts parts_;
};

/// Work on the items of `source`: an input range (an lvalue is referred to, an rvalue owned), a channel (received from
/// until it is closed; the error it was closed with ends the run), or a function T?() or T?(context&) that returns
/// std::optional<T>, none at the end. A source may suspend; it is passed by one fiber, one item at a time.
template <class S>
  requires detail::work_source<S>
[[nodiscard]] auto work(S&& source) {
  auto from = detail::source_of(std::forward<S>(source));
  return work_builder<decltype(from), workit::on_error::fail_t, detail::no_hook>({std::move(from)});
}

}  // namespace workit
