// Five files, three at a time: one needs a second attempt, one fails for good, and neither keeps the others waiting.
#include <map>
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"
using namespace std::chrono_literals;

int main() {
  const std::vector<std::string> files{"notes.txt", "flaky.txt", "bad.txt", "photo.jpg", "talk.pdf"};
  std::map<std::string, int> attempts;
  sample::gauge active;

  const auto upload = [&](workit::context& ctx, const std::string& file) {
    const sample::gauge::entry at_work(active);
    const auto attempt = ++attempts[file];
    ctx.sleep_for(5ms);
    if (file == "bad.txt") throw std::runtime_error("415 unsupported media type");
    if (file == "flaky.txt" && attempt == 1) throw std::runtime_error("503 try again");
    return "https://files.example/" + file;
  };

  workit::runtime rt;
  const auto done = rt.run({.name = "batch"}, [&](workit::scope& s) {
    return workit::work(files)
        .in_parallel(3)
        .retry({.times = 2, .initial_delay = 1ms})
        .timeout(10s)
        .on_error(workit::on_error::continue_)
        .for_each(upload)(s);
  });

  auto errors = sample::receipt::array();
  for (const auto& e : done.errors) errors.push_back({{"file", std::string(e.item)}, {"attempts", e.attempts}});
  sample::print({{"uploaded", done.results.size()},
                 {"errors", errors},
                 {"flaky_attempts", attempts["flaky.txt"]},
                 {"max_active", active.most()}});
}
