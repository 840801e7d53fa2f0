// id_map: the paths that are copied, and the branches that are shared.
#include <algorithm>
#include <array>
#include <workit/context/detail/id_map.hpp>

namespace workit::detail {
namespace {

constexpr unsigned bits = 4;
constexpr std::size_t ways = std::size_t{1} << bits;

/// Which way leads to `number` from a branch of which `height` levels are left, itself included.
std::size_t way(std::uint64_t number, unsigned height) noexcept {
  return (number >> (bits * (height - 1))) & (ways - 1);
}

unsigned height_for(std::uint64_t number) noexcept {
  unsigned height = 1;
  while (number >>= bits) ++height;
  return height;
}

}  // namespace

struct id_map::branch {
  std::array<object, ways> ways_down{};

  static const branch& of(const void* at) noexcept { return *static_cast<const branch*>(at); }
  static std::shared_ptr<branch> copy(const object& at) {
    return at != nullptr ? std::make_shared<branch>(of(at.get())) : std::make_shared<branch>();
  }
};

const void* id_map::find(std::uint64_t number) const noexcept {
  if (height_ < height_for(number)) return nullptr;
  const void* at = root_.get();
  for (auto height = height_; height > 0 && at != nullptr; --height)
    at = branch::of(at).ways_down[way(number, height)].get();
  return at;
}

id_map::object id_map::raised_to(unsigned height) const {
  auto root = root_;
  for (auto h = height_; h < height && root != nullptr; ++h) {
    auto above = std::make_shared<branch>();
    above->ways_down[0] = std::move(root);
    root = std::move(above);
  }
  return root;
}

id_map id_map::with(std::uint64_t number, object value) const {
  id_map changed;
  changed.height_ = std::max(height_, height_for(number));
  changed.root_ = replaced(raised_to(changed.height_), changed.height_, number, std::move(value));
  return changed;
}

id_map::object id_map::replaced(const object& at, unsigned height, std::uint64_t number, object value) {
  if (height == 0) return value;
  auto changed = branch::copy(at);
  auto& down = changed->ways_down[way(number, height)];
  down = replaced(down, height - 1, number, std::move(value));
  return changed;
}

id_map id_map::overlaid_by(const id_map& over) const {
  id_map both;
  both.height_ = std::max(height_, over.height_);
  both.root_ = overlaid(raised_to(both.height_), over.raised_to(both.height_), both.height_);
  return both;
}

id_map::object id_map::overlaid(const object& base, const object& over, unsigned height) {
  if (over == nullptr) return base;
  if (base == nullptr || base == over || height == 0) return over;
  auto both = branch::copy(base);
  const auto& upper = branch::of(over.get()).ways_down;
  for (std::size_t i = 0; i < ways; ++i) both->ways_down[i] = overlaid(both->ways_down[i], upper[i], height - 1);
  return both;
}

void id_map::for_each(const std::function<void(const void*)>& visit) const { visit_below(root_.get(), height_, visit); }

void id_map::visit_below(const void* at, unsigned height, const std::function<void(const void*)>& visit) {
  if (at == nullptr) return;
  if (height == 0) return visit(at);
  for (const auto& down : branch::of(at).ways_down) visit_below(down.get(), height - 1, visit);
}

}  // namespace workit::detail
