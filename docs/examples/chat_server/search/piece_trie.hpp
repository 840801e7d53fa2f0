// A prefix tree over the code points of vocabulary pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "search/vocabulary.hpp"

namespace chat {

/// Finds every piece a text starts with in one walk.
/// Threads: any number of readers, or one writer.
class piece_trie {
 public:
  /// Adds a piece; the last of two with the same text wins, as in the reference (the vocabulary lists one thrice).
  void insert(std::u32string_view text, token id);

  /// Calls visit(length in code points, token) for every piece that is a prefix of `text`, shortest first. Takes one
  /// look-up per code point of the longest of them, at most one more than the longest piece has.
  template <typename Visit>
  void for_each_prefix(std::u32string_view text, Visit visit) const {
    node at = root;
    for (std::size_t length = 1; length <= text.size(); ++length) {
      const auto next = children_.find(edge(at, text[length - 1]));
      if (next == children_.end()) return;
      at = next->second;
      if (pieces_[at]) visit(length, *pieces_[at]);
    }
  }

 private:
  using node = std::uint32_t;
  static constexpr node root = 0;

  static std::uint64_t edge(node from, char32_t by) noexcept {
    return std::uint64_t{from} << 32 | static_cast<std::uint32_t>(by);
  }

  std::unordered_map<std::uint64_t, node> children_;
  std::vector<std::optional<token>> pieces_{std::nullopt};  // by node; the root is no piece
};

}  // namespace chat
