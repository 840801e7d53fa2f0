// id_map: the two maps that scopes hand down, compiled once, and values, which is one of them.
#include <workit/context/detail/id_map.hpp>

#include <workit/context/detail/budget_account.hpp>
#include <workit/context/values.hpp>

namespace workit {
namespace detail {

template class id_map<const void>;
template class id_map<budget_account>;

}  // namespace detail

values values::with(const values& over) const { return values(held_.overlaid_by(over.held_)); }

}  // namespace workit
