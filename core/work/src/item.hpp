// work_item: the task of one item.
#pragma once

#include <workit/scope/detail/scope_node.hpp>
#include <workit/work/detail/work_run.hpp>

namespace workit::detail {

/// Lifetime: its run waits for it.
class work_item final : public task_state_base {
 public:
  work_item(work_run& run, std::unique_ptr<work_place> in, task_options options, scope_node& scope)
      : task_state_base(std::move(options), *scope.home, &scope), place(std::move(in)), run_(run) {}

  std::unique_ptr<work_place> place;  ///< until it has settled

 private:
  void call(context& ctx) override { run_.call_item(*place, ctx); }
  void drop_body() noexcept override {}
  void settled() noexcept override { run_.item_ended(*this); }

  work_run& run_;
};

}  // namespace workit::detail
