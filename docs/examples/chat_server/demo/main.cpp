// demo: a stub language model, the chat server and a client, on loopback, with real text and the real encoder.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "chat_client.hpp"
#include "control.hpp"
#include "floor.hpp"
#include "report.hpp"
#include "scenes.hpp"
#include "search/corpus.hpp"
#include "search/poison.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* query = "Which tool compresses large files well?";
constexpr std::size_t workers = 2;
constexpr std::size_t spares = 1;

struct settings {
  std::string model;
  std::string corpus = chat::dpkg_status;
  bool as_json = false;
  bool control = false;
  int runs = 1;
};

void progress(const std::string& line) { std::cerr << "demo: " << line << std::endl; }

json repeat(const demo::demo_processes& processes, int runs) {
  std::vector<double> stopped, closed;
  int tokens = 0;
  std::size_t first = 0;
  for (int i = 0; i < runs; ++i) {
    const auto d = demo::disconnect(processes);
    stopped.push_back(d.at("rerank").at("stopped_us"));
    closed.push_back(d.at("scope_closed_us"));
    tokens += d.at("tokens_after_close").get<int>();
    (void)demo::settle(processes, workers, spares);
    if (i == 0) first = processes.server.resident_kib();
    progress("disconnect " + std::to_string(i + 1) + " of " + std::to_string(runs) + ": stopped after " +
             std::to_string(stopped.back()) + " us");
  }
  std::sort(stopped.begin(), stopped.end());
  return {{"runs", runs},
          {"stopped_us_p50", stopped[stopped.size() / 2]},
          {"stopped_us_max", stopped.back()},
          {"scope_closed_us_max", *std::max_element(closed.begin(), closed.end())},
          {"tokens_after_close", tokens},
          {"rss_kib_first", first},
          {"rss_kib_last", processes.server.resident_kib()}};
}

json control_arm(const settings& s, const fs::path& self, const demo::scratch_folder& scratch) {
  demo::child_process child(self, {"--control", "--model", s.model, "--corpus", s.corpus}, scratch);
  while (child.out().find('\n') == std::string::npos) {
    if (child.err().size() > 0) throw std::runtime_error("the control arm failed: " + child.err());
    usleep(20'000);
  }
  return {{"still_running_after_ms", std::stol(child.out())},
          {"seen", child.out().substr(child.out().find(' ') + 1, 7)}};
}

json run_scenes(const settings& s, const std::string& poison) {
  const auto self = fs::read_symlink("/proc/self/exe");
  const auto here = self.parent_path();
  json result;
  progress("the floor: SIGKILL and membarrier, bare");
  const auto floor = demo::kill_to_proof_us(100);
  result["floor_us"] = floor[floor.size() / 2];
  result["floor_p99_us"] = floor[floor.size() * 99 / 100];

  const demo::scratch_folder scratch;
  progress("starting the language model's stub and the chat server");
  demo::child_process llm(here / "stub_llm", {}, scratch);
  const auto llm_port = llm.port();
  demo::child_process server(
      here / "chat_server",
      {"--llm", "http://127.0.0.1:" + std::to_string(llm_port), "--port", "0", "--model", s.model, "--corpus", s.corpus,
       "--workers", std::to_string(workers), "--spares", std::to_string(spares), "--max-tokens", "0"},
      scratch);
  const demo::demo_processes processes{llm, server, llm_port, server.port(), query, poison};
  const auto status = demo::settle(processes, workers, spares);
  server.await_quiet();
  const auto fds = static_cast<long>(server.descriptors());
  const auto threads = static_cast<long>(server.threads());

  progress("a. a normal request");
  result["normal"] = demo::normal(processes);
  progress("b. the poison document, and the client hangs up");
  result["disconnect"] = demo::disconnect(processes);
  progress("c. the poison document under a deadline of 250 ms");
  result["deadline"] = demo::deadline(processes);
  if (s.runs > 1) result["repeat"] = repeat(processes, s.runs);
  progress("d. the control arm, at least 5 s");
  result["control"] = control_arm(s, self, scratch);

  const auto after = demo::settle(processes, workers, spares);
  server.await_quiet();
  const auto zygote = status.at("zygote").get<pid_t>();
  result["after"] = {{"workers", after.at("idle").get<std::size_t>() - after.at("spares").get<std::size_t>()},
                     {"spares", after.at("spares")},
                     {"zombies", demo::zombies_of({server.pid(), zygote})},
                     {"fds_delta", static_cast<long>(server.descriptors()) - fds},
                     {"threads_delta", static_cast<long>(server.threads()) - threads}};
  result["server_exit_code"] = server.terminate();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Shows a request that stops when its client hangs up, on real text with a real encoder.");
  app.add_option("--model", s.model, "folder of the text encoder (./dev demo finds it)")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--corpus", s.corpus, "dpkg status file to search")->check(CLI::ExistingFile);
  app.add_option("--runs", s.runs, "how often to repeat the disconnect")->check(CLI::Range(1, 1000));
  app.add_flag("--json", s.as_json, "print one JSON object instead of the table");
  app.add_flag("--control", s.control, "run the control arm only");
  CLI11_PARSE(app, argc, argv);
  try {
    setenv("CHAT_MODEL_DIR", s.model.c_str(), 1);
    const auto poison = chat::poison_document(chat::read_corpus(s.corpus));
    if (s.control) demo::run_control(query, poison, std::chrono::milliseconds(5200));
    const auto result = run_scenes(s, poison);
    std::cout << (s.as_json ? result.dump() + '\n' : demo::as_table(result));
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "demo: " << e.what() << '\n';
    return 1;
  }
}
