// The scenes: what a client sees, what the receipt says, what the language model billed.
#include "scenes.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "chat_client.hpp"

namespace demo {
namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;

double us(std::int64_t from_ns, std::int64_t to_ns) { return static_cast<double>(to_ns - from_ns) / 1e3; }

/// Waits for `look()` to find something. Errors: std::runtime_error after half a minute.
template <class Look>
auto await(const char* what, Look look) {
  for (const auto until = now_ns() + 30'000'000'000; now_ns() < until;) {
    if (auto found = look()) return *found;
    std::this_thread::sleep_for(milliseconds(2));
  }
  throw std::runtime_error(std::string("waited 30 s for ") + what + " in vain");
}

/// The receipts in the server's output, one per line.
std::vector<json> receipts(const demo_processes& s) {
  std::vector<json> all;
  const auto out = s.server.out();
  for (std::size_t at = 0, end; (end = out.find('\n', at)) != std::string::npos; at = end + 1)
    all.push_back(json::parse(out.substr(at, end - at)));
  return all;
}

json receipt_after(const demo_processes& s, std::size_t earlier) {
  return await("a receipt", [&]() -> std::optional<json> {
    auto all = receipts(s);
    if (all.size() <= earlier) return std::nullopt;
    return all.back();
  });
}

json rerank_of(const json& receipt) {
  for (const auto& stop : receipt.at("stops"))
    if (stop.at("task") == "rerank") {
      json r;
      for (const auto* key : {"boundary", "method", "proof", "stopped_us", "reclaimed_us"}) r[key] = stop.at(key);
      return r;
    }
  throw std::runtime_error("the receipt names no stop of the rerank: " + receipt.dump());
}

}  // namespace

json normal(const demo_processes& s) {
  chat_client client(s.server_port, {{"query", s.query}});
  json result{{"tokens", 0}, {"ranked", json::array()}};
  while (const auto event = client.next()) {
    const auto ms = us(client.began_ns(), event->at_ns) / 1e3;
    if (event->name == "token") result["tokens"] = result["tokens"].get<int>() + 1;
    if (event->name == "documents") {
      for (const auto& d : event->data) result["ranked"].push_back(d.at("name"));
      result["documents_ms"] = ms;
    }
    if (event->name == "done") result["total_ms"] = ms;
    if (event->name == "error") result["error"] = event->data;
  }
  result["status"] = client.status();
  return result;
}

json disconnect(const demo_processes& s) {
  const auto earlier = receipts(s).size();
  chat_client client(s.server_port, {{"query", s.query}, {"documents", {s.poison}}});
  std::this_thread::sleep_for(milliseconds(300));
  const auto closed = client.hang_up();

  const auto next = normal(s);
  const auto receipt = await("the receipt of the disconnect", [&]() -> std::optional<json> {
    auto all = receipts(s);
    for (std::size_t i = earlier; i < all.size(); ++i)
      if (all[i].at("outcome") == "cancelled") return all[i];
    return std::nullopt;
  });
  const auto bill = await("the language model's bill", [&]() -> std::optional<json> {
    const auto bills = get_json(s.llm_port, "/bill");
    for (auto b = bills.rbegin(); b != bills.rend(); ++b)
      if (!b->at("finished") && b->at("closed_ns") != 0) return *b;
    return std::nullopt;
  });
  const auto& produced = bill.at("produced_ns");
  const auto after =
      std::count_if(produced.begin(), produced.end(), [&](const json& at) { return at.get<std::int64_t>() > closed; });
  return {{"tokens_after_close", after},
          {"llm_closed_us", us(closed, bill.at("closed_ns"))},
          {"reason", receipt.at("reason").at("tag")},
          {"rerank", rerank_of(receipt)},
          {"scope_closed_us", receipt.at("closed_us")},
          {"next_request_ms", next.at("documents_ms")}};
}

json deadline(const demo_processes& s) {
  constexpr int allowed_ms = 250;
  const auto earlier = receipts(s).size();
  chat_client client(s.server_port, {{"query", s.query}, {"documents", {s.poison}}, {"deadline_ms", allowed_ms}});
  json result;
  while (const auto event = client.next())
    if (event->name == "error")
      result = {{"status", event->data.at("status")},
                {"reason", event->data.at("type")},
                {"late_us", us(client.began_ns(), event->at_ns) - allowed_ms * 1e3}};
  if (result.is_null()) throw std::runtime_error("the request with a deadline got no typed error");
  result["rerank"] = rerank_of(receipt_after(s, earlier));
  return result;
}

json settle(const demo_processes& s, std::size_t workers, std::size_t spares) {
  return await("the pool to be whole again", [&]() -> std::optional<json> {
    auto status = get_json(s.server_port, "/status");
    const bool whole = status.at("busy") == 0 && status.at("idle") == workers + spares && status.at("unreclaimed") == 0;
    return whole ? std::optional(status) : std::nullopt;
  });
}

}  // namespace demo
