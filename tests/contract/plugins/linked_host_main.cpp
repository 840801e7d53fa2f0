// A host whose library is replaced on disk while it runs: linked_host SUCCESSOR LIBRARY.
#include <cstdio>
#include <filesystem>
#include <workit/workit.hpp>

int linked_answer();

int main(int argc, char** argv) {
  workit::init(argc, argv);
  if (argc != 3) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 0}));
  const auto say_answer = [&] {
    std::printf("%d\n",
                rt.run([](workit::scope& s) { return workit::offload({}, [] { return linked_answer(); })(s); }));
  };
  const auto say_reload = [&] {
    try {
      workit::find_pool(rt, {})->reload();
      std::puts("reloaded");
    } catch (const workit::start_failed& e) {
      std::puts(e.what());
    }
  };
  say_answer();
  say_reload();
  std::filesystem::rename(argv[1], argv[2]);
  say_reload();
  say_answer();
}
