// reason: the reasons as text.
#include <workit/base/reason.hpp>

#include <array>
#include <workit/base/detail/duration_text.hpp>
#include <workit/base/overloaded.hpp>

namespace workit {

cancel_reason::cancel_reason() = default;
cancel_reason::cancel_reason(const cancel_reason& other) = default;
cancel_reason::cancel_reason(cancel_reason&& other) noexcept = default;
cancel_reason& cancel_reason::operator=(const cancel_reason& other) = default;
cancel_reason& cancel_reason::operator=(cancel_reason&& other) noexcept = default;
cancel_reason::~cancel_reason() = default;

std::string_view kind_of(const cancel_reason& why) noexcept {
  static constexpr std::array names{"user",      "deadline", "timeout",     "parent_failed", "sibling_failed",
                                    "race_lost", "budget",   "scope_ended", "shutdown",      "manual"};
  static_assert(names.size() == cancel_reason::kinds);
  return names[why.index()];
}

std::string describe(const cancel_reason& why) {
  const std::string kind{kind_of(why)};
  return std::visit(detail::overloaded{
                        [&](const reason::user& r) { return r.message.empty() ? kind : kind + ": " + r.message; },
                        [&](const reason::deadline&) { return kind + " passed"; },
                        [&](const reason::timeout& r) { return kind + " of " + detail::in_ms(r.limit); },
                        [&](const reason::parent_failed&) { return std::string("the scope's body failed"); },
                        [&](const reason::sibling_failed& r) { return "sibling \"" + r.name + "\" failed"; },
                        [&](const reason::race_lost& r) { return "race lost to task " + std::to_string(r.winner); },
                        [&](const reason::budget& r) { return "budget \"" + r.key + "\" overrun"; },
                        [&](const reason::scope_ended&) { return std::string("the scope ended"); },
                        [&](const reason::shutdown&) { return std::string("the runtime is shutting down"); },
                        [&](const reason::manual& r) { return kind + ": " + r.tag; },
                    },
                    why);
}

}  // namespace workit
