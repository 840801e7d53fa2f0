// workit_bench_report: merges the rounds of the bench, and shows and compares runs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compare.hpp"
#include "page.hpp"
#include "table.hpp"

namespace {

namespace report = workit::bench_report;

struct arguments {
  std::vector<std::string> rounds;
  std::string run;
  std::string other;
  std::string out;
  bool all = false;
  bool json = false;
};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void add_commands(CLI::App& app, arguments& given, int& status) {
  auto* merge = app.add_subcommand("merge", "Join the files of several rounds into one run");
  merge->add_option("rounds", given.rounds, "Files that the bench programs wrote")->required();
  merge->add_option("--out", given.out, "Where the run goes")->required();
  merge->callback([&] { report::write_run(report::merge({given.rounds.begin(), given.rounds.end()}), given.out); });

  auto* table = app.add_subcommand("table", "Show a run beside its floors and its targets");
  table->add_option("run", given.run, "A run, or one round")->required();
  table->add_flag("--all", given.all, "Every series too, with its percentiles");
  table->add_flag("--json", given.json, "The same as JSON");
  table->callback([&] {
    const report::run r = report::read_run(given.run);
    print(given.json ? report::table_json(r, given.all).dump(1) + '\n'
                     : report::table(r, given.all, report::ink::for_stdout()));
  });

  auto* html = app.add_subcommand("html", "Write a run as one page for a browser");
  html->add_option("run", given.run, "A run, or one round")->required();
  html->add_option("--out", given.out, "Where the page goes")->required();
  html->callback([&] { report::write_page(report::read_run(given.run), given.out); });

  auto* compare = app.add_subcommand("compare", "Say what became slower from A to B, beyond noise");
  compare->add_option("A", given.run, "A run of at least three rounds")->required();
  compare->add_option("B", given.other, "Another one")->required();
  compare->add_flag("--json", given.json, "The same as JSON");
  compare->footer("Exit status: 1 when there is a regression, else 0.");
  compare->callback([&] {
    const auto c = report::compare(report::read_run(given.run), report::read_run(given.other));
    print(given.json ? report::comparison_json(c).dump(1) + '\n'
                     : report::comparison_text(c, report::ink::for_stdout()));
    status = c.has_regression() ? 1 : 0;
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Merges the rounds of workit's bench into a run, and shows and compares runs.", "workit_bench_report");
  app.require_subcommand(1);
  arguments given;
  int status = 0;
  add_commands(app, given, status);
  try {
    app.parse(argc, argv);
    return status;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "workit_bench_report: %s\n", error.what());
    return 2;
  }
}
