// A library that programs open: its code says ANSWER, its state what its tenant has set.
#include <workit/workit.hpp>

namespace {

int tenant = 0;

}  // namespace

extern "C" {

int plugin_answer() { return ANSWER; }
void plugin_set_tenant(int number) { tenant = number; }
int plugin_tenant() { return tenant; }
}

// Offloads a lambda that is the same type in each library that has this code, as one of an inline function is.
inline int offloaded_tenant(workit::context& ctx, workit::boundary where) {
  return workit::offload({.boundary = where}, [] { return tenant; })(ctx);
}
extern "C" int plugin_offloads_tenant(workit::context& ctx, int where) {
  return offloaded_tenant(ctx, static_cast<workit::boundary>(where));
}
