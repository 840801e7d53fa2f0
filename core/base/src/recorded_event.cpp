// recorded_event: copies what an event refers to.
#include <workit/base/recorded_event.hpp>

namespace workit {
namespace {

// Moves what a body refers to into members that own it.
struct take_over {
  recorded_event& into;
  void operator()(auto& body) const {
    if constexpr (requires { body.why; }) {
      if (body.why != nullptr) into.why = *body.why;
      body.why = nullptr;
    }
    if constexpr (requires { body.message; }) {
      into.message = body.message;
      body.message = {};
    }
    if constexpr (requires { body.data; }) {
      into.data = keep(body.data);
      body.data = {};
    }
  }
};

}  // namespace

recorded_event record(const lifecycle_event& e) {
  recorded_event kept{.id = e.id, .name = std::string(e.name), .at = e.at, .body = e.body};
  std::visit(take_over{kept}, kept.body);
  return kept;
}

std::string_view kind_of(const recorded_event& e) noexcept {
  return kind_of(lifecycle_event{e.id, e.name, e.at, e.body});
}

}  // namespace workit
