// An immutable map from small numbers to shared objects, whose copies share what they have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace workit::detail {

/// A radix tree with 16 ways a level: as tall as the largest number needs, 4 levels up to 65,535. A change copies the
/// branches on one path (path copying: Driscoll, Sarnak, Sleator, Tarjan, Making data structures persistent, 1989).
/// Costs, for numbers up to N: find log16 N loads; with log16 N branches of 256 bytes; a copy one pointer.
/// Threads: as a shared_ptr; what it holds does not change.
class id_map {
 public:
  using object = std::shared_ptr<const void>;

  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  /// Null when there is none. Lifetime: of any map that has the object.
  [[nodiscard]] const void* find(std::uint64_t number) const noexcept;
  /// The same with `value` at `number`.
  [[nodiscard]] id_map with(std::uint64_t number, object value) const;
  /// The same with all that `over` has; visits only branches that the two do not share.
  [[nodiscard]] id_map overlaid_by(const id_map& over) const;
  /// Calls `visit` with every object, by ascending number.
  void for_each(const std::function<void(const void*)>& visit) const;

 private:
  struct branch;
  static object replaced(const object& at, unsigned height, std::uint64_t number, object value);
  static object overlaid(const object& base, const object& over, unsigned height);
  static void visit_below(const void* at, unsigned height, const std::function<void(const void*)>& visit);
  /// The root of a tree of `height` levels with the same content.
  [[nodiscard]] object raised_to(unsigned height) const;

  object root_;          // a branch, whose objects are branches, and so on; those of the lowest are the values
  unsigned height_ = 0;  // levels of branches
};

}  // namespace workit::detail
