// id_map: an immutable map from small numbers to shared objects.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace workit::detail {

/// Pages of 32 objects, which the copies of a map share until one of them changes a page. For numbers up to N: find
/// takes three loads; with() copies one page and N / 32 pointers; a copy costs one pointer.
/// Threads: as a shared_ptr; the map does not change.
template <class T>
class id_map {
 public:
  using object = std::shared_ptr<T>;

  [[nodiscard]] bool empty() const noexcept { return pages_ == nullptr; }
  /// Null when there is none. Lifetime: that of any map with the object.
  [[nodiscard]] T* find(std::uint64_t number) const noexcept {
    const auto at = number / page_size;
    const auto* found = pages_ != nullptr && at < pages_->size() ? (*pages_)[at].get() : nullptr;
    return found != nullptr ? (*found)[number % page_size].get() : nullptr;
  }
  /// This map with `value` at `number`.
  [[nodiscard]] id_map with(std::uint64_t number, object value) const {
    auto pages = copy_of_size(number / page_size + 1);
    auto& changed = (*pages)[number / page_size];
    auto copy = changed != nullptr ? std::make_shared<page>(*changed) : std::make_shared<page>();
    (*copy)[number % page_size] = std::move(value);
    changed = std::move(copy);
    return id_map(std::move(pages));
  }
  /// This map with all objects of `over`; looks only into pages that the two do not share.
  [[nodiscard]] id_map overlaid_by(const id_map& over) const {
    if (over.empty()) return *this;
    auto pages = copy_of_size(over.pages_->size());
    for (std::size_t at = 0; at < over.pages_->size(); ++at) {
      const auto& above = (*over.pages_)[at];
      auto& below = (*pages)[at];
      if (above == below || above == nullptr) continue;
      auto both = std::make_shared<page>(*above);
      for (std::size_t i = 0; below != nullptr && i < page_size; ++i)
        if ((*both)[i] == nullptr) (*both)[i] = (*below)[i];
      below = std::move(both);
    }
    return id_map(std::move(pages));
  }
  /// Calls `visit` with every object, by ascending number.
  template <class F>
  void for_each(F&& visit) const {
    if (empty()) return;
    for (const auto& each : *pages_)
      for (std::size_t i = 0; each != nullptr && i < page_size; ++i)
        if ((*each)[i] != nullptr) visit(*(*each)[i]);
  }

  id_map() = default;

 private:
  static constexpr std::size_t page_size = 32;
  using page = std::array<object, page_size>;
  using page_list = std::vector<std::shared_ptr<const page>>;

  explicit id_map(std::shared_ptr<const page_list> pages) noexcept : pages_(std::move(pages)) {}
  [[nodiscard]] std::shared_ptr<page_list> copy_of_size(std::size_t least) const {
    auto copy = pages_ != nullptr ? std::make_shared<page_list>(*pages_) : std::make_shared<page_list>();
    copy->resize(std::max(copy->size(), least));
    return copy;
  }

  std::shared_ptr<const page_list> pages_;
};

}  // namespace workit::detail
