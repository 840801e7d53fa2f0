// A live transcription: the caller hangs up in the middle of an utterance, and everything behind the line stops.
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <future>
#include <workit/scope/executor.hpp>
#include <workit/use_fiber.hpp>
#include <workit/workit.hpp>

#include "receipt.hpp"
namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

// The caller, elsewhere: says an utterance, reads its transcript, begins another one and hangs up.
std::string call(socket_type line) {
  asio::write(line, asio::buffer("first.", 6));
  std::string transcript;
  transcript.resize(asio::read_until(line, asio::dynamic_buffer(transcript), '.') - 1);  // without its full stop
  asio::write(line, asio::buffer("secon", 5));
  return transcript;
}

// Reads the connection until the peer closes it.
void receive(workit::context& ctx, socket_type& line, const workit::channel<std::string>& audio) {
  ctx.defer([&line] { line.close(); });
  std::array<char, 64> chunk;
  boost::system::error_code gone;
  while (const auto size = line.async_read_some(asio::buffer(chunk), asio::redirect_error(workit::use_fiber, gone)))
    audio.send({chunk.data(), size});
}

// Transcribes, which to us is shouting, and answers each utterance at its full stop.
void transcribe(socket_type& line, const workit::channel<std::string>& audio) {
  std::string utterance;
  for (const auto& chunk : audio)
    for (const unsigned char sound : chunk) {
      utterance += static_cast<char>(std::toupper(sound));
      if (sound != '.') continue;
      asio::async_write(line, asio::buffer(utterance), workit::use_fiber);
      utterance.clear();
    }
}

int main() {
  asio::io_context street;
  std::future<std::string> caller;
  std::optional<workit::task<void>> provider;
  bool source_closed = false;

  workit::runtime rt;
  rt.run({.name = "line"}, [&](workit::scope& outer) {
    socket_type here(workit::executor(outer)), there(street);
    asio::local::connect_pair(here, there);
    caller = std::async(std::launch::async, call, std::move(there));
    workit::channel<std::string> audio({.capacity = 4});
    try {
      outer.scope({.name = "session"}, [&](workit::scope& session) {
        provider = session.spawn({.name = "provider"}, [&] { transcribe(here, audio); });
        session.spawn({.name = "source"}, [&](workit::context& ctx) { receive(ctx, here, audio); }).get();
        session.cancel("client_disconnected");
      });
    } catch (const workit::scope_cancelled&) {  // the other end of the line did that
    }
    source_closed = !here.is_open();
  });

  const auto why = provider->result().why();
  sample::print({{"first", caller.get()},
                 {"provider_cancelled", provider->status() == workit::task_status::cancelled},
                 {"source_closed", source_closed},
                 {"reason_kind", kind_of(why)},
                 {"reason", describe(why)}});
}
