// A prefix tree over the code points of vocabulary pieces.
#include "search/piece_trie.hpp"

namespace chat {

void piece_trie::insert(std::u32string_view text, token id) {
  node at = root;
  for (const char32_t symbol : text) {
    const auto [child, created] = children_.try_emplace(edge(at, symbol), static_cast<node>(pieces_.size()));
    if (created) pieces_.emplace_back();
    at = child->second;
  }
  pieces_[at] = id;
}

}  // namespace chat
