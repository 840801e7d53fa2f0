#include <cstdio>
#include <utility>
#include <workit/observe/attempt_recorder.hpp>
#include <workit/observe/receipt_recorder.hpp>
#include <workit/workit.hpp>
using namespace std::chrono_literals;

// Scores a document in a worker process; with this much effort it does not come back.
int score(int effort) {
  for (volatile bool runaway = effort > 9000; runaway;) {
  }
  return effort;
}

struct session {
  std::string user;
};

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 1}));
  const workit::attempt_recorder attempts;
  workit::receipt_recorder recorder({.attempts = attempts});
  const workit::shared_resource login(
      {.name = "login"}, [] { return session{"ada"}; },
      [](session& s) { std::printf("%s is logged out\n", s.user.c_str()); });

  rt.run({.name = "answer"}, [&](workit::scope& s) {
    recorder.attach(s);

    // However many ask for it at once, one task loads the profile; the whole scope has one session.
    const auto load = [&](workit::context& ctx) {
      ctx.log(workit::log_level::info, "loading", {{"user", login.get(s).user}, {"token", "s3cr3t"}});
      ctx.sleep_for(1ms);
    };
    for (const char* part : {"page", "menu"})
      s.spawn({.name = part}, [&s, load] { s.spawn_once("profile:ada", {.name = "profile"}, load).get(); });

    // The first attempt runs out of time and is killed. Each of them leaves a record.
    int effort = 9001;
    auto ask = [&effort](workit::context& ctx) {
      return workit::timeout(300ms, workit::offload({}, score, std::exchange(effort, 7)))(ctx);
    };
    auto watched = attempts.wrap(
        {.metadata = {{"model", "small"}}, .reason_code = [](const std::exception_ptr&) { return "too_slow"; }}, ask);
    std::printf("score %d\n", workit::retry({.times = 2, .initial_delay = 1ms}, watched)(s));
  });

  recorder.wait();  // until the killed worker is reclaimed, too
  std::puts(to_json(recorder.build()).c_str());
}
