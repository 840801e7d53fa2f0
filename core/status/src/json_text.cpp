// json_text: reasons, failures, counts and stops as JSON.
#include "json_text.hpp"

namespace workit::detail {

json_value json_of(const cancel_reason& why) {
  json_object out;
  out.add("kind", kind_of(why));
  if (const auto* manual = std::get_if<reason::manual>(&why)) out.add("tag", manual->tag);
  return out.done();
}

json_value json_of(const failure_snapshot& f) {
  return json_object().add("what", f.what).add("worker_crashed", f.worker_crashed).done();
}

json_value json_of(const task_counts& c) {
  return json_object()
      .add("pending", c.pending)
      .add("running", c.running)
      .add("succeeded", c.succeeded)
      .add("failed", c.failed)
      .add("cancelled", c.cancelled)
      .done();
}

json_value json_of(const thread_stop& t) {
  json_object out;
  out.add("signals", t.signals);
  if (t.refused.kind != obstacle::none) return out.add("refused", describe(t.refused)).done();
  return out.add("at", to_string(t.at)).add("walk_us", microseconds(t.walk)).add("arena_bytes", t.arena_bytes).done();
}

json_value json_of(const scope_receipt::stop& s) {
  const auto& r = s.receipt;
  json_object out;
  out.add("task", s.task)
      .add("boundary", to_string(r.where))
      .add("method", to_string(r.method))
      .add("proof", to_string(r.proof))
      .add("reason", json_of(r.why))
      .add("stopped_us", microseconds(r.stopped - r.requested));
  if (r.reclaimed) out.add("reclaimed_us", microseconds(*r.reclaimed - r.requested));
  out.add_if(r.worker != 0, "worker", r.worker);
  if (r.thread) out.add("thread", json_of(*r.thread));
  return out.done();
}

}  // namespace workit::detail
