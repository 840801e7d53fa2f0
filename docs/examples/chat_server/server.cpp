// chat_server: a chat backend whose requests stop when their clients go away.

#include <CLI/CLI.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <workit/scope/executor.hpp>
#include <workit/use_fiber.hpp>
#include <workit/workit.hpp>

#include "connection.hpp"
#include "search/corpus.hpp"
#include "search/rerank.hpp"

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

struct settings {
  std::uint16_t port = 8080;
  std::string llm;
  std::string llm_model = "default";
  std::string corpus = chat::dpkg_status;
  std::string model_dir;
  std::size_t io_threads = 1;
  std::size_t workers = 2;
  std::size_t spares = 1;
  std::uint64_t max_tokens = 128;
  unsigned drain_seconds = 10;
};

settings parse(int argc, char** argv) {
  settings s;
  CLI::App app("A chat backend: streams a language model's answer and reranks documents, under one scope a request.");
  app.option_defaults()->always_capture_default();
  app.add_option("--llm", s.llm, "OpenAI-compatible streaming endpoint, http://host[:port][/path]")->required();
  app.add_option("--llm-model", s.llm_model, "model name to ask it for; the key is taken from LLM_API_KEY");
  app.add_option("--model", s.model_dir, "folder of the text encoder; default: CHAT_MODEL_DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--port", s.port, "port on 127.0.0.1; 0 picks one");
  app.add_option("--corpus", s.corpus, "dpkg status file to search")->check(CLI::ExistingFile);
  app.add_option("--io-threads", s.io_threads)->check(CLI::Range(1, 64));
  app.add_option("--workers", s.workers, "reranks at a time")->check(CLI::Range(1, 256));
  app.add_option("--spares", s.spares, "parked processes beside them")->check(CLI::Range(0, 64));
  app.add_option("--max-tokens", s.max_tokens, "per document, for the encoder; 0 is no limit");
  app.add_option("--drain", s.drain_seconds, "seconds that running requests get after SIGTERM")
      ->check(CLI::Range(0, 3600));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::exit(app.exit(e));
  }
  return s;
}

/// Accepts until cancelled; each connection is a root scope of its own, so that threads share the load.
void accept_all(workit::scope& server, tcp::acceptor& acceptor, workit::runtime& rt, const chat::services& with,
                const std::function<std::string()>& status) {
  for (;;) {
    boost::system::error_code failed;
    auto accepted = acceptor.async_accept(asio::redirect_error(workit::use_fiber, failed));
    if (failed) {  // out of descriptors, or the client is gone already: breathe, go on
      server.sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    accepted.set_option(tcp::no_delay(true), failed);
    const auto protocol = acceptor.local_endpoint().protocol();
    rt.spawn({.name = "connection"}, [&with, &status, protocol, fd = accepted.release()](workit::scope& connection) {
      chat::serve(connection, tcp::socket(workit::executor(connection), protocol, fd), with, status);
    });
  }
}

/// Gives running requests until `limit` has passed or a second signal comes.
void drain(workit::scope& server, asio::signal_set& signals, const workit::runtime& rt, std::chrono::seconds limit) {
  if (limit == std::chrono::seconds(0)) return;
  try {
    server.scope({.name = "drain", .deadline = limit}, [&](workit::scope& s) {
      auto second_signal = s.spawn({.name = "second signal"}, [&](workit::context&) {
        signals.async_wait(workit::use_fiber);
        s.cancel("second signal");
      });
      while (rt.live_roots() > 1) s.sleep_for(std::chrono::milliseconds(5));  // the server itself is one
      second_signal.cancel("drained");
    });
  } catch (const workit::timed_out&) {
  } catch (const workit::scope_cancelled&) {
  }
}

std::string status_of(const workit::process_service& reranks) {
  const auto p = reranks.pool().status();
  return nlohmann::json{{"busy", p.busy},         {"idle", p.idle},     {"spares", p.spares},
                        {"starting", p.starting}, {"queued", p.queued}, {"unreclaimed", p.unreclaimed},
                        {"started", p.started},   {"killed", p.killed}, {"crashed", p.crashed},
                        {"zygote", p.zygote}}
      .dump();
}

int serve(const settings& s) {
  chat::services with;
  with.llm = chat::parse_llm_url(s.llm);
  with.llm.model = s.llm_model;
  if (const char* key = std::getenv("LLM_API_KEY")) with.llm.api_key = key;
  with.corpus = chat::read_corpus(s.corpus);
  with.index = std::make_unique<chat::bm25_index>(with.corpus);
  with.max_tokens = s.max_tokens == 0 ? ~std::uint64_t{0} : s.max_tokens;
  if (!s.model_dir.empty()) setenv("CHAT_MODEL_DIR", s.model_dir.c_str(), 1);

  auto reranks =
      workit::processes({.name = "rerank", .workers = s.workers, .spares = s.spares, .preload = chat::load_model});
  const std::function<std::string()> status = [pool = reranks.get()] { return status_of(*pool); };
  workit::runtime rt({.io_threads = s.io_threads}, std::move(reranks));
  rt.run({.name = "server"}, [&](workit::scope& server) {
    tcp::acceptor acceptor(workit::executor(server), {asio::ip::address_v4::loopback(), s.port});
    std::cerr << "chat_server: http://127.0.0.1:" << acceptor.local_endpoint().port() << "/chat, " << with.corpus.size()
              << " documents, SIGTERM drains" << std::endl;
    asio::signal_set signals(workit::executor(server), SIGTERM, SIGINT);
    auto intake =
        server.spawn({.name = "accept"}, [&](workit::context&) { accept_all(server, acceptor, rt, with, status); });
    signals.async_wait(workit::use_fiber);
    intake.cancel("draining");
    intake.wait();
    acceptor.close();
    std::cerr << "chat_server: draining " << rt.live_roots() - 1 << " connections" << std::endl;
    drain(server, signals, rt, std::chrono::seconds(s.drain_seconds));
  });
  return workit::leave(rt.shutdown(), 0);
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return serve(parse(argc, argv));
  } catch (const std::exception& e) {
    std::cerr << "chat_server: " << e.what() << '\n';
    return 1;
  }
}
