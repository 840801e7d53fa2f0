// The scenes of the demo, each a measurement.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "child_process.hpp"

namespace demo {

/// The processes under test.
struct demo_processes {
  child_process& llm;
  child_process& server;
  std::uint16_t llm_port;
  std::uint16_t server_port;
  std::string query;
  std::string poison;
};

/// A request that runs to its end: {status, tokens, ranked: [names], documents_ms, total_ms}.
[[nodiscard]] nlohmann::json normal(const demo_processes& s);
/// The poison goes in, the client hangs up 300 ms later: {tokens_after_close, llm_closed_us, rerank{...}, ...}.
[[nodiscard]] nlohmann::json disconnect(const demo_processes& s);
/// The poison under a deadline of 250 ms: {status, reason, late_us}.
[[nodiscard]] nlohmann::json deadline(const demo_processes& s);
/// Waits until the pool is whole again; its /status.
[[nodiscard]] nlohmann::json settle(const demo_processes& s, std::size_t workers, std::size_t spares);

}  // namespace demo
