// A document that is far too long, and real.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "search/document.hpp"

namespace chat {

/// An untruncated input: the texts of `corpus` in order, a space between them, over and over until `bytes` are full,
/// cut back to a whole UTF-8 character. One corpus and one size give one text. 80 KiB are about 22,000 tokens, so under
/// encoder::no_limit one forward pass of 2 GB and tens of seconds (time goes with the square of the size) that nothing
/// can interrupt.
/// Errors: std::invalid_argument when the corpus has no text.
[[nodiscard]] std::string poison_document(std::span<const document> corpus, std::size_t bytes = 80 * 1024);

}  // namespace chat
