// piece_trie: all pieces a text starts with.
#include "search/piece_trie.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace {

using found = std::vector<std::pair<std::size_t, chat::token>>;

found prefixes(const chat::piece_trie& trie, std::u32string_view text) {
  found all;
  trie.for_each_prefix(text, [&](std::size_t length, chat::token id) { all.emplace_back(length, id); });
  return all;
}

TEST(PieceTrie, FindsEveryPrefixShortestFirst) {
  chat::piece_trie trie;
  trie.insert(U"abc", 8);
  trie.insert(U"a", 6);
  trie.insert(U"b", 7);
  EXPECT_EQ(prefixes(trie, U"abcd"), (found{{1, 6}, {3, 8}}));
  EXPECT_EQ(prefixes(trie, U"ab"), (found{{1, 6}}));
  EXPECT_EQ(prefixes(trie, U"ca"), found{});
  EXPECT_EQ(prefixes(trie, U""), found{});
}

TEST(PieceTrie, KeepsTheLastOfTwoPiecesWithOneText) {
  chat::piece_trie trie;
  trie.insert(U"a", 6);
  trie.insert(U"a", 9);
  EXPECT_EQ(prefixes(trie, U"a"), (found{{1, 9}}));
}

TEST(PieceTrie, FindsNothingBeforeAnythingIsInserted) { EXPECT_EQ(prefixes(chat::piece_trie{}, U"a"), found{}); }

}  // namespace
