// preload and worker_init with arguments: what arrives, and what is refused.
#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <workit/workers/shared_buffer.hpp>
#include <workit/workers/with_args.hpp>

#include "pool_host.hpp"

namespace workit::workers {
namespace {

using test::pool_host;

struct settings {
  std::string path;
  std::vector<double> weights;
};
/// Writes a frame that its reader refuses.
struct damaged {
  int value = 0;
  damaged() = default;
};

std::string set_by_main = "as before main";
std::string loaded;
std::string initialised;
double total = 0;

void load(const std::string& path, std::vector<double> weights) {
  loaded = path + " beside " + set_by_main;
  for (const double w : weights) total += w;
}
void load_settings(const settings& from) { load(from.path, from.weights); }
void connect(std::string to, int port) { initialised = to + ':' + std::to_string(port); }
void refuse(const std::string& path) { throw std::runtime_error("there is no " + path); }

std::string start_sentence(process_options options) {
  try {
    pool_host host(std::move(options));
  } catch (const start_failed& e) {
    return e.what();
  }
  return {};
}

}  // namespace
}  // namespace workit::workers

template <>
struct workit::wire<workit::workers::damaged> {
  static void write(wire_writer& to, const workers::damaged&) { to.write('x'); }
  static workers::damaged read(wire_reader& from) {
    static_cast<void>(from.read<long double>());
    return {};
  }
};

namespace workit::workers {
namespace {

TEST(StartupArgs, ReachPreloadWhichSeesNothingThatMainHasSet) {
  set_by_main = "set by the host";
  pool_host host({.workers = 1, .spares = 0, .preload = with_args(load, "model.bin", std::vector<double>{1, 2, 3.5})});
  EXPECT_EQ(host.call([] { return loaded; }), "model.bin beside as before main");
  EXPECT_EQ(host.call([] { return total; }), 6.5);
  EXPECT_EQ(loaded, "") << "nothing ran in the host";
}

TEST(StartupArgs, ReachEveryWorkerAndEachOneThatReplacesIt) {
  pool_host host({.workers = 1, .spares = 0, .worker_init = with_args(connect, "db", 5432)});
  EXPECT_EQ(host.call([] { return initialised; }), "db:5432");
  EXPECT_EQ(std::get<job_crashed>(host.submit([] { _exit(3); })->wait()).exit_code, 3);
  EXPECT_EQ(host.call([] { return initialised; }), "db:5432");
}

TEST(StartupArgs, GoToBothAndSurviveAReload) {
  pool_host host({.workers = 1,
                  .spares = 0,
                  .preload = with_args(load_settings, settings{"model.bin", {1, 2}}),
                  .worker_init = with_args([](int n) { initialised = std::to_string(n); }, 7)});
  host.pool.reload();
  EXPECT_EQ(host.call([] { return loaded + ", " + initialised; }), "model.bin beside as before main, 7");
  EXPECT_EQ(host.call([] { return total; }), 3.0);
}

TEST(StartupArgs, OfAPreloadThatThrowsComeBackInItsSentence) {
  const auto said = start_sentence({.workers = 1, .preload = with_args(refuse, "model.bin")});
  EXPECT_NE(said.find("preload threw std::runtime_error: there is no model.bin"), std::string::npos) << said;
  const auto later = start_sentence({.name = "db", .workers = 1, .worker_init = with_args(refuse, "server")});
  EXPECT_NE(later.find("worker_init of pool \"db\" threw std::runtime_error: there is no server"), std::string::npos)
      << later;
}

TEST(StartupArgs, ThatCannotBeDecodedAreReported) {
  const auto said = start_sentence({.workers = 1, .preload = with_args([](damaged) {}, damaged())});
  EXPECT_NE(said.find("preload threw workit::wire_error: a frame ends"), std::string::npos) << said;
}

TEST(StartupArgs, ThatCannotTravelAreRefusedAtOnce) {
  const auto sentence_of = [](auto make) -> std::string {
    try {
      static_cast<void>(make());
    } catch (const wire_error& e) {
      return e.what();
    }
    return {};
  };
  EXPECT_NE(sentence_of([] {
              return with_args([](std::string) {}, std::string((std::size_t{64} << 20) + 1, 'x'));
            }).find("at most 64 MiB travel: let it read a file"),
            std::string::npos);
  EXPECT_NE(sentence_of([] { return with_args([](shared_buffer) {}, shared_buffer(100)); }).find("let it map a file"),
            std::string::npos);
}

}  // namespace
}  // namespace workit::workers
