// local_call: each end of a task is one of its results.
#include "local_call.hpp"

#include <workit/base/cancelled.hpp>
#include <workit/base/errors.hpp>
#include <workit/preempt/no_preempt_scope.hpp>

#include "end_of_forked_children.hpp"

namespace workit::workers {

void local_call::run(void* self) noexcept {
  auto& me = *static_cast<local_call*>(self);
  try {
    const auto found = find_function(me.call_.entry);
    if (!found) throw start_failed("the function of the task is not in this program any more");
    wire_reader arguments(me.call_.arguments, me.call_.beside);
    wire_writer written;
    const end_of_forked_children here;
    reinterpret_cast<trampoline> (*found)(arguments, written);
    auto beside = written.take_attached();
    const no_preempt_scope commit;
    me.value_ = {written.take(), std::move(beside)};
    me.has_value_ = true;
  } catch (const cancelled&) {
    const no_preempt_scope commit;
    me.gave_up_ = true;
  } catch (...) {
    const no_preempt_scope commit;
    me.error_ = std::current_exception();
  }
}

}  // namespace workit::workers
