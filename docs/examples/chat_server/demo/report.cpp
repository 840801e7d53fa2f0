// Lays the figures out.
#include "report.hpp"

#include <cstdio>

namespace demo {
namespace {

using nlohmann::json;

std::string number(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
  return text;
}
std::string us(const json& v) { return number(v.get<double>(), "us"); }
std::string ms(const json& v) { return number(v.get<double>(), "ms"); }

class table {
 public:
  void head(const std::string& title) { text_ += '\n' + title + '\n'; }
  void row(const std::string& what, const std::string& value, const std::string& note = "") {
    char line[160];
    std::snprintf(line, sizeof line, "  %-40s %14s  %s\n", what.c_str(), value.c_str(), note.c_str());
    text_ += line;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string as_table(const json& r) {
  table t;
  const auto& n = r.at("normal");
  t.head("a. a normal request");
  t.row("tokens streamed", std::to_string(n.at("tokens").get<int>()),
        "HTTP " + std::to_string(n.at("status").get<int>()));
  t.row("documents ranked after", ms(n.at("documents_ms")),
        n.at("ranked").empty() ? "" : "first: " + n.at("ranked")[0].get<std::string>());
  t.row("whole answer after", ms(n.at("total_ms")));

  const auto& d = r.at("disconnect");
  const auto& k = d.at("rerank");
  t.head("b. the client hangs up while the reranker is in a pass of tens of seconds");
  t.row("rerank " + k.at("method").get<std::string>() + ", proven stopped after", us(k.at("stopped_us")),
        "proof: " + k.at("proof").get<std::string>() + "; floor " + us(r.at("floor_us")));
  t.row("scope closed after", us(d.at("scope_closed_us")), "reason: " + d.at("reason").get<std::string>());
  t.row("memory and process back after", us(k.at("reclaimed_us")), "in the background");
  t.row("language model's connection closed after", us(d.at("llm_closed_us")),
        "tokens billed since: " + std::to_string(d.at("tokens_after_close").get<int>()));
  t.row("next request has its documents after", ms(d.at("next_request_ms")));

  const auto& l = r.at("deadline");
  t.head("c. the same document with a deadline of 250 ms");
  t.row("client gets \"" + l.at("reason").get<std::string>() + "\", late by", us(l.at("late_us")),
        "status " + std::to_string(l.at("status").get<int>()));

  t.head("d. the control arm: std::jthread, stop requested");
  t.row("still running after", ms(r.at("control").at("still_running_after_ms")), "then ended by us");

  const auto& a = r.at("after");
  t.head("e. what is left");
  t.row("workers, spares parked",
        std::to_string(a.at("workers").get<int>()) + ", " + std::to_string(a.at("spares").get<int>()));
  t.row("zombies", std::to_string(a.at("zombies").get<int>()),
        "descriptors " + std::to_string(a.at("fds_delta").get<int>()) + ", threads " +
            std::to_string(a.at("threads_delta").get<int>()) + " against the start");
  if (const auto repeat = r.find("repeat"); repeat != r.end()) {
    t.head("b again, " + std::to_string(repeat->at("runs").get<int>()) + " times in a row");
    t.row("stopped after, median and worst", us(repeat->at("stopped_us_p50")), us(repeat->at("stopped_us_max")));
    t.row("scope closed after, worst", us(repeat->at("scope_closed_us_max")));
    t.row("tokens billed after hang-up, sum", std::to_string(repeat->at("tokens_after_close").get<int>()));
    t.row("server's memory, first and last run", std::to_string(repeat->at("rss_kib_first").get<int>()) + " KiB",
          std::to_string(repeat->at("rss_kib_last").get<int>()) + " KiB");
  }
  return t.take();
}

}  // namespace demo
