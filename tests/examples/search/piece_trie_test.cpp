// piece_trie: all pieces a text starts with.
#include "search/piece_trie.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace {

using found_pieces = std::vector<std::pair<std::size_t, chat::token>>;

found_pieces prefixes(const chat::piece_trie& trie, std::u32string_view text) {
  found_pieces all;
  trie.for_each_prefix(text, [&](std::size_t length, chat::token id) { all.emplace_back(length, id); });
  return all;
}

TEST(PieceTrie, FindsEveryPrefixShortestFirst) {
  chat::piece_trie trie;
  trie.insert(U"abc", 8);
  trie.insert(U"a", 6);
  trie.insert(U"b", 7);
  EXPECT_EQ(prefixes(trie, U"abcd"), (found_pieces{{1, 6}, {3, 8}}));
  EXPECT_EQ(prefixes(trie, U"ab"), (found_pieces{{1, 6}}));
  EXPECT_EQ(prefixes(trie, U"ca"), found_pieces{});
  EXPECT_EQ(prefixes(trie, U""), found_pieces{});
}

TEST(PieceTrie, KeepsTheLastOfTwoPiecesWithOneText) {
  chat::piece_trie trie;
  trie.insert(U"a", 6);
  trie.insert(U"a", 9);
  EXPECT_EQ(prefixes(trie, U"a"), (found_pieces{{1, 9}}));
}

TEST(PieceTrie, FindsNothingBeforeAnythingIsInserted) { EXPECT_EQ(prefixes(chat::piece_trie{}, U"a"), found_pieces{}); }

}  // namespace
