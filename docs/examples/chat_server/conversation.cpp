// One chat request: the language model, the retrieval and the rerank under one scope, the writer beside it.
#include "conversation.hpp"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <workit/use_fiber.hpp>
#include <workit/workit.hpp>

#include "event_stream.hpp"
#include "search/ranking.hpp"
#include "search/rerank.hpp"

namespace chat {
namespace {

namespace asio = boost::asio;
using json = nlohmann::json;

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Reads until the client goes away. What it says meanwhile is dropped: the answer ends the connection anyway.
void watch(asio::ip::tcp::socket& client, workit::scope& request) {
  std::array<char, 512> ignored;
  boost::system::error_code gone;
  while (!gone) client.async_read_some(asio::buffer(ignored), asio::redirect_error(workit::use_fiber, gone));
  request.check();  // our own end, not the client's
  request.cancel("client_disconnected");
}

std::vector<document> candidates(const services& with, const chat_request& request) {
  std::vector<document> found;
  for (std::size_t i = 0; i < request.documents.size(); ++i)
    found.push_back({"documents[" + std::to_string(i) + ']', request.documents[i]});
  if (found.empty())
    for (const auto& hit : with.index->search(request.query, with.retrieved))
      found.push_back(with.corpus[hit.document]);
  return found;
}

std::vector<std::string> texts_of(const std::vector<document>& documents) {
  std::vector<std::string> texts;
  for (const auto& d : documents) texts.push_back(d.text);
  return texts;
}

json ranked_json(const std::vector<document>& documents, const std::vector<float>& scores) {
  constexpr std::size_t shown = 200;  // bytes of a text
  auto ranked = json::array();
  for (const auto i : order_by_score(scores))
    ranked.push_back({{"name", documents[i].name}, {"score", scores[i]}, {"text", documents[i].text.substr(0, shown)}});
  return ranked;
}

void answer(workit::scope& request, asio::ip::tcp::socket& client, event_stream& events, const services& with,
            const chat_request& asked) {
  const auto began = request.now();
  const auto ms = [&] { return std::chrono::duration<double, std::milli>(request.now() - began).count(); };
  auto watcher = request.spawn({.name = "client"}, [&](workit::context&) { watch(client, request); });
  auto text = request.spawn({.name = "llm", .kind = workit::task_kind::llm}, [&](workit::context& ctx) {
    return stream_completion(ctx, with.llm, asked.query, [&](const std::string& token) {
      events.send(ctx, "token", dump({{"text", token}}));
    });
  });
  const auto found = candidates(with, asked);
  const auto retrieval_ms = ms();
  if (found.empty()) {
    events.send(request, "documents", "[]");
  } else {
    auto ranked = request.spawn({.name = "rerank", .kind = workit::task_kind::cpu},
                                workit::offload({}, rerank, asked.query, texts_of(found), with.max_tokens));
    events.send(request, "documents", dump(ranked_json(found, ranked.get())));
  }
  const auto rerank_ms = ms();
  const auto tokens = text.get();
  watcher.cancel("answered");
  events.finish(
      "done", dump({{"tokens", tokens}, {"retrieval_ms", retrieval_ms}, {"rerank_ms", rerank_ms}, {"total_ms", ms()}}));
}

void log_receipt(const workit::scope_receipt& receipt) {
  std::puts(to_json(receipt).c_str());
  std::fflush(stdout);
}

/// The last event of a request that failed; nothing when the client has gone.
void report_failure(event_stream& events, std::exception_ptr failure) {
  const auto say = [&](int status, const char* type, const std::string& message) {
    events.finish("error", dump({{"status", status}, {"type", type}, {"message", message}}));
  };
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const workit::timed_out& e) {
    say(504, "timed_out", e.what());
  } catch (const llm_error& e) {
    say(502, "llm_unavailable", e.what());
  } catch (const workit::scope_cancelled&) {  // the client is gone
  } catch (const workit::worker_crashed& e) {
    say(500, "worker_crashed", e.what());
  } catch (const std::exception& e) {
    say(500, "internal", e.what());
  }
}

}  // namespace

void converse(workit::scope& connection, asio::ip::tcp::socket& client, const services& with, chat_request asked,
              workit::time_point arrived) {
  event_stream events(client, connection);
  // The writer has a scope of its own, around the request's: what the request's end has to say still gets out.
  connection.scope({.name = "answer"}, [&](workit::scope& outer) {
    auto writer = outer.spawn({.name = "writer", .background = true}, [&] { events.write_all(); });
    std::exception_ptr failure;
    try {
      outer.scope({.name = "chat",
                   .deadline_at = workit::deadline_point::in(asked.deadline.value_or(with.deadline), arrived),
                   .on_receipt = log_receipt},
                  [&](workit::scope& request) { answer(request, client, events, with, asked); });
    } catch (const workit::cancelled&) {
      throw;  // the server is shutting down
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) report_failure(events, failure);
    events.close();
    (void)writer.result();  // a client that is gone cannot be written to, and that is no news
  });
}

}  // namespace chat
