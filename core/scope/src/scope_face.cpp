// scope_face: where closed faces wait until they are used again.
//
// Invariants
// 1. A face that was ever made stays a constructed scope_context; only open() makes another of it.
// 2. A store is one thread's, and ends with it. Its closed faces are in the order in which they closed.
// Lock order: there are no locks.
#include "scope_face.hpp"

#include <memory>
#include <utility>
#include <vector>
#include <workit/scope/detail/scope_node.hpp>

namespace workit::detail {
namespace {

constexpr std::size_t kept_closed = 1'000;
constexpr std::size_t made_at_once = 64;

struct face_place {
  face_place() noexcept {}
  union {
    scope_context face;
  };
  face_place* next = nullptr;  ///< the one that closed after this
};

class face_store {
 public:
  scope_context* open(scope_node& n) {
    if (closed_ > kept_closed) {
      auto* const oldest = std::exchange(oldest_, oldest_->next);
      --closed_;
      return new (&oldest->face) scope_context(n);
    }
    if (unused_ == 0) {
      made_.push_back(std::make_unique<face_place[]>(made_at_once));
      unused_ = made_at_once;
    }
    return new (&made_.back()[--unused_].face) scope_context(n);
  }
  void keep_closed(scope_context* face) noexcept {
    auto* const place = reinterpret_cast<face_place*>(face);  // the face is at its beginning
    place->next = nullptr;
    (closed_++ == 0 ? oldest_ : newest_->next) = place;
    newest_ = place;
  }

 private:
  std::vector<std::unique_ptr<face_place[]>> made_;
  std::size_t unused_ = 0;  ///< of the last of `made_`
  face_place* oldest_ = nullptr;
  face_place* newest_ = nullptr;
  std::size_t closed_ = 0;
};

thread_local face_store* of_this_thread = nullptr;

struct ends_store {
  ~ends_store() { delete std::exchange(of_this_thread, nullptr); }
};

face_store& store() {
  if (of_this_thread == nullptr) {
    of_this_thread = new face_store;
    static thread_local const ends_store with_the_thread;
  }
  return *of_this_thread;
}

}  // namespace

scope_face::scope_face(scope_node& n) : face_(store().open(n)) {}

scope_face::~scope_face() {
  face_->node_.close();
  store().keep_closed(face_);
}

}  // namespace workit::detail
