// work_run_of: the part of a run that knows its types; thin.
#pragma once

#include <workit/work/detail/work_sink.hpp>
#include <workit/work/detail/work_source.hpp>
#include <workit/work/detail/work_stages.hpp>
#include <workit/work/hooks.hpp>

namespace workit::detail {

/// The hook of those that gave none.
struct no_hook {};

/// All that a work builder holds.
template <class Source, class Done, class... Stages>
struct work_parts {
  using item = typename Source::item;
  using plain = std::remove_reference_t<item>;
  using start = untouched<plain, Source::owns_items>;
  using value = typename flow_result<start, Stages...>::type;
  using progress_hook = std::function<void(const item_progress<std::remove_cv_t<plain>>&)>;

  Source source;
  work_plan plan{};
  progress_hook on_progress{};
  Done on_done{};
  std::tuple<Stages...> stages{};
};

/// Base: work_run or stream_run. Lifetime: refers to the parts.
template <class Base, class Mode, class Source, class Done, class... Stages>
class work_run_of final : public Base {
 public:
  using parts = work_parts<Source, Done, Stages...>;
  using item = typename parts::item;
  using plain = typename parts::plain;
  using O = typename parts::value;
  using sink = work_sink<Mode, Source, O>;

  struct place final : work_place {
    void clear() noexcept override {
      value.reset();
      item.reset();
    }
    [[nodiscard]] plain& it() noexcept {
      if constexpr (std::is_reference_v<typename parts::item>)
        return **item;
      else
        return *item;
    }
    slot<typename parts::item> item;
    slot<O> value;
  };

  work_run_of(context& ctx, parts& of) requires std::same_as<Base, stream_run>
      : Base(ctx, of.plan, static_cast<bool>(of.on_progress)), of_(of) {}
  explicit work_run_of(parts& of) requires std::same_as<Base, work_run>
      : Base(of.plan, sink::mode, static_cast<bool>(of.on_progress)), of_(of) {}

  auto take() { return sink_.take(*this); }

 private:
  static place& at(work_place& p) noexcept { return static_cast<place&>(p); }

  std::unique_ptr<work_place> make_place() override { return std::make_unique<place>(); }
  bool pull(context& ctx, work_place& p) override {
    if (!cursor_) cursor_.emplace(of_.source);
    return cursor_->next(ctx, at(p).item);
  }
  void drop_source() noexcept override { cursor_.reset(); }
  bool flow(context& ctx, work_place& p) override {
    return std::apply(
        [&](auto&... stages) {
          return detail::flow<typename parts::start, O>(ctx, at(p).value, at(p).it(), stages...);
        },
        of_.stages);
  }
  void settle(work_place& p, const work_end& end) override {
    if constexpr (!std::same_as<Done, no_hook>) {
      const std::remove_reference_t<O>* value = nullptr;
      if constexpr (std::is_reference_v<O>)
        value = at(p).value ? *at(p).value : nullptr;
      else if constexpr (!std::is_void_v<O>)
        value = at(p).value ? std::addressof(*at(p).value) : nullptr;
      try {
        std::invoke(of_.on_done,
                    item_done<std::remove_cv_t<plain>, O>{p.index, at(p).it(), end.task, end.how, value, end.error,
                                                          end.why ? &*end.why : nullptr, p.attempts});
      } catch (...) {
        this->hook_failed("on_item_done", p.index);
      }
    }
    sink_.add(p, end, at(p).it(), at(p).value);
  }
  void tell_progress(work_place& p, work_id task, const event::progress& said) override {
    try {
      of_.on_progress({p.index, at(p).it(), task, said});
    } catch (...) {
      this->hook_failed("on_progress", p.index);
    }
  }

  parts& of_;
  std::optional<typename Source::cursor> cursor_;
  sink sink_;
};

}  // namespace workit::detail
