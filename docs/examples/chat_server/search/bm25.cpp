// Keyword search by BM25.
#include "search/bm25.hpp"

#include <algorithm>
#include <cmath>

namespace chat {
namespace {

constexpr float k1 = 1.2F;
constexpr float b = 0.75F;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <typename Visit>
void for_each_word(std::string_view text, Visit visit) {
  std::string word;
  for (const char c : text) {
    if (is_letter(c)) {
      word += lower(c);
    } else if (!word.empty()) {
      visit(word);
      word.clear();
    }
  }
  if (!word.empty()) visit(word);
}

}  // namespace

bm25_index::bm25_index(std::span<const document> documents) {
  lengths_.reserve(documents.size());
  std::uint64_t words = 0;
  for (const document& each : documents) {
    add(each);
    words += lengths_.back();
  }
  if (!documents.empty()) mean_length_ = static_cast<float>(words) / static_cast<float>(documents.size());
}

void bm25_index::add(const document& added) {
  const auto index = static_cast<std::uint32_t>(lengths_.size());
  std::uint32_t& length = lengths_.emplace_back(0);
  const auto count = [&](const std::string& word) {
    std::vector<posting>& list = postings_[word];
    if (list.empty() || list.back().document != index) list.push_back({index, 0});
    ++list.back().count;
    ++length;
  };
  for_each_word(added.name, count);
  for_each_word(added.text, count);
}

float bm25_index::weight(float documents_with_word, const posting& occurrence) const {
  // The factor k1 + 1 scales all scores alike. With the 1 under the logarithm, which is not in the paper, a word of
  // more than half the documents still counts for its match and never against it.
  const auto documents = static_cast<float>(lengths_.size());
  const float rarity = std::log(1 + (documents - documents_with_word + 0.5F) / (documents_with_word + 0.5F));
  const auto count = static_cast<float>(occurrence.count);
  const float length = static_cast<float>(lengths_[occurrence.document]) / mean_length_;
  return rarity * count * (k1 + 1) / (count + k1 * (1 - b + b * length));
}

std::vector<hit> bm25_index::search(std::string_view query, std::size_t k) const {
  std::vector<float> scores(lengths_.size());
  for_each_word(query, [&](const std::string& word) {
    const auto found = postings_.find(word);
    if (found == postings_.end()) return;
    const auto documents_with_word = static_cast<float>(found->second.size());
    for (const posting& each : found->second) scores[each.document] += weight(documents_with_word, each);
  });

  std::vector<hit> hits;
  for (std::uint32_t i = 0; i < scores.size(); ++i)
    if (scores[i] > 0) hits.push_back({i, scores[i]});
  const std::size_t kept = std::min(k, hits.size());
  std::ranges::partial_sort(hits, hits.begin() + static_cast<std::ptrdiff_t>(kept), [](const hit& l, const hit& r) {
    return l.score != r.score ? l.score > r.score : l.document < r.document;
  });
  hits.resize(kept);
  return hits;
}

}  // namespace chat
