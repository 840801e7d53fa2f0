// Scores documents against a query with the encoder of this process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "search/ranking.hpp"

// The functions take and return values only, so they can run in another process; each process has one encoder, which
// forked workers share with the template that loaded it.

namespace chat {

/// Loads the encoder of this process from the folder that the environment variable CHAT_MODEL_DIR names. Does nothing
/// when it is loaded already.
/// Blocks: for the read of 28 MB.
/// Threads: any; one loads and the others wait.
/// Errors: std::runtime_error that says what to set when the variable is missing, or what is wrong with the folder; the
/// next call tries again.
/// Lifetime: the encoder lives until the process ends.
void load_model();

/// The cosine of each document with the query, in the order of `documents`, each text cut off after `max_tokens` tokens
/// (encoder::trained_tokens is the sensible limit, encoder::no_limit is none). Loads the model if need be. This is a
/// bi-encoder: query and document are encoded apart.
/// Blocks: for one forward pass per text, which knows nothing of stop requests; see encoder::embed for the cost.
/// Threads: any.
/// Errors: those of load_model and encoder::embed.
[[nodiscard]] std::vector<float> rerank(const std::string& query, const std::vector<std::string>& documents,
                                        std::uint64_t max_tokens);

}  // namespace chat
