// A stop button on another thread: everybody below the request learns the same reason, the first one.
#include <thread>
#include <workit/workit.hpp>

#include "receipt.hpp"
using namespace std::chrono_literals;

int main() {
  std::string heard, thrown;
  std::optional<workit::task<void>> answer;
  bool first = false, second = true;

  workit::runtime rt;
  try {
    rt.run({.name = "request"}, [&](workit::scope& request) {
      request.on_cancel([&](const workit::cancel_reason& why) { heard = describe(why); }).keep();
      answer = request.spawn({.name = "answer"}, [](workit::context& ctx) { ctx.sleep_for(1min); });
      std::jthread button([&, scope = request.remote()] {
        first = scope.cancel("user_stopped_request");
        second = scope.cancel("pressed_twice");
      });
      request.sleep_for(1min);
    });
  } catch (const workit::scope_cancelled& e) {
    thrown = describe(e.why());
  }

  sample::print({{"on_cancel", heard},
                 {"task", describe(answer->result().why())},
                 {"run", thrown},
                 {"first_decided", first},
                 {"second_decided", second}});
}
