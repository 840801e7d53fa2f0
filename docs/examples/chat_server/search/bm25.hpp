// Keyword search by BM25.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "search/document.hpp"

namespace chat {

/// A document that matched, by its index in the list that was indexed, with its BM25 score (above 0).
struct hit {
  std::uint32_t document = 0;
  float score = 0;

  friend bool operator==(const hit&, const hit&) = default;
};

/// An inverted index over names and texts, ranked by BM25 (Robertson & Zaragoza 2009, "The Probabilistic Relevance
/// Framework: BM25 and Beyond", k1 = 1.2, b = 0.75). A word is a run of ASCII letters, digits and bytes of non-ASCII
/// characters, ASCII letters in lower case.
///
/// Guarantees: one list of documents and one query give one result. Documents are not kept.
/// Threads: any number may search at once.
class bm25_index {
 public:
  /// Blocks: for one pass over the documents.
  explicit bm25_index(std::span<const document> documents);

  /// The `k` best documents with a word of the query, best first, equal scores by index; fewer when fewer match. A word
  /// that the query repeats counts each time.
  [[nodiscard]] std::vector<hit> search(std::string_view query, std::size_t k) const;

 private:
  struct posting {
    std::uint32_t document;
    std::uint32_t count;  // of the word in it
  };

  void add(const document& added);
  [[nodiscard]] float weight(float documents_with_word, const posting& occurrence) const;

  std::unordered_map<std::string, std::vector<posting>> postings_;  // by word, each by ascending document
  std::vector<std::uint32_t> lengths_;                              // by document, in words
  float mean_length_ = 0;                                           // in words
};

}  // namespace chat
