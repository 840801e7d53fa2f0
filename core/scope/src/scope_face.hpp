// scope_face: the object behind a scope&, in memory that stays one for as long as its thread.
//
// A reference that a program keeps beyond the scope then meets a closed face, which says so, instead of whatever the
// stack holds by then. Faces are used again, the one that closed first before all others, and only while a thread has
// 1,000 closed ones.
#pragma once

#include <workit/scope/scope.hpp>

namespace workit::detail {

/// The face of one scope. Threads: the one that made it. Errors: std::bad_alloc.
class scope_face {
 public:
  explicit scope_face(scope_node& n);
  ~scope_face();
  scope_face(const scope_face&) = delete;
  scope_face& operator=(const scope_face&) = delete;

  [[nodiscard]] workit::scope& get() const noexcept { return *face_; }

 private:
  scope_context* const face_;
};

}  // namespace workit::detail
