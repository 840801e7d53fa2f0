// Hosts of the failure tests: `failing_host <mode> [folder]`. The folder is for marks; complaints go to standard
// output.
#include <grp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "failures.hpp"

namespace {

using namespace workit;
using namespace workit::test;

std::string folder;  // of the marks; from the environment, so that preload has it too
std::string mark(const char* name) { return folder + "/" + name; }
[[noreturn]] void sleep_for_ever() {
  for (;;) pause();
}

int complain(const std::string& wrong) {
  std::printf("%s", wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

// --- Hosts that wait to be killed -----------------------------------------------------------------------------------

int idle() {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  leave_marker(mark("ready"));
  sleep_for_ever();
}

void endless_preload() {
  leave_marker(mark("ready"));
  spin_for_ever();
}
int in_preload() {
  runtime rt({}, processes({.workers = 1, .preload = endless_preload}));
  return 1;
}

process_options small_pool(std::string name) { return {.name = std::move(name), .workers = 1}; }

/// The others are up; the last one's zygote reads no socket in its preload, so only its host watcher can end it.
int last_of_four_in_preload() {
  runtime rt({}, processes(small_pool("a")), processes(small_pool("b")), processes(small_pool("c")),
             processes({.name = "d", .workers = 1, .preload = endless_preload}));
  return 1;
}

int opening() {
  runtime rt({}, processes(small_pool("a")));
  open_pool(rt, {.name = "b", .workers = 1, .preload = endless_preload});
  return 1;
}

void preload_that_ends_once() {
  if (access(mark("reloads").c_str(), F_OK) == 0) endless_preload();
}
int reloading() {
  runtime rt({}, processes(small_pool("a")), processes(small_pool("b")),
             processes({.name = "c", .workers = 1, .preload = preload_that_ends_once}));
  leave_marker(mark("reloads"));
  find_pool(rt, "c")->reload();
  return 1;
}

int spinning() {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  rt.run([](scope& s) {
    for (int i = 0; i < 5; ++i) s.spawn(offload({}, mark_and_spin, mark("ready")));
  });
  return 1;
}

int sending() {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  rt.run([](scope& s) {
    for (int i = 0;; ++i) {
      if (i == 2) leave_marker(mark("ready"));
      offload({}, [] { return std::string(32 << 20, 'x'); })(s);
    }
  });
  return 1;
}

int stopping() {
  runtime rt({}, processes({.workers = 2, .spares = 2}));
  for (int i = 0;; ++i) {
    if (i == 10) leave_marker(mark("ready"));
    rt.run([](scope& s) { how(s.spawn({.background = true}, offload({.timeout = 2ms}, spin_for_ever)).result()); });
  }
}

/// With a child that was forked and never exec'ed: it has every descriptor of the host for ever.
int forked() {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  const pid_t heir = fork();
  if (heir == 0) sleep_for_ever();
  std::printf("%d\n", heir);
  std::fflush(stdout);
  rt.run([](scope& s) { s.spawn(offload({}, mark_and_spin, mark("ready"))); });
  return 1;
}

// --- Hosts in unusual places ----------------------------------------------------------------------------------------

/// Runs every kind of work once, then ends with work under way.
int everything() {
  std::string wrong;
  {
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    wrong = rt.run([](scope& s) { return exercise(s); });
    if (!becomes_whole(rt)) wrong += "the pool does not recover; ";
    auto endless = rt.spawn({}, [](scope& s) { s.spawn(offload({}, spin_for_ever)); });
    eventually([&] { return pool_of(rt).status().busy == 1; });
  }
  // In a namespace of its own without a /proc of its own, this host cannot list its descendants.
  if (std::filesystem::read_symlink("/proc/self") == std::to_string(getpid()))
    for (const auto& p : processes_below()) wrong += p.name + " is left; ";
  return complain(wrong);
}

/// Runs every kind of work again and again, until the test leaves a mark.
int until_told() {
  std::string wrong;
  {
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    leave_marker(mark("ready"));
    while (wrong.empty() && access(mark("enough").c_str(), F_OK) != 0)
      wrong = rt.run([](scope& s) { return exercise(s); });
    if (pool_of(rt).status().zygotes != 1) wrong += "the zygote was replaced; ";
  }
  for (const auto& p : processes_below()) wrong += p.name + " is left; ";
  return complain(wrong);
}

int without_privileges() {
  std::string wrong;
  {
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
      return complain("this host could not drop its privileges; ");
    const auto pid = rt.run([](scope& s) { return offload({}, [] { return getpid(); })(s); });
    if (kill(pid, SIGKILL) == 0 || errno != EPERM) wrong += "control arm: the host may still kill its workers; ";
    wrong += rt.run([](scope& s) { return exercise(s); });
    if (!becomes_whole(rt)) wrong += "the pool does not recover; ";
    if (pool_of(rt).status().zygotes != 1) wrong += "the zygote was replaced; ";
    std::atomic<bool> begun{false};
    auto endless = rt.spawn({}, [&](scope& s) {
      s.spawn(offload({}, spin_for_ever));
      s.sleep_for(20ms);
      begun = true;
    });
    eventually([&] { return begun.load(); });
  }
  for (const auto& p : processes_below()) wrong += p.name + " is left; ";
  return complain(wrong);
}

std::atomic<int> heard{0};  // several threads may take a signal each at once
void hear(int signal) { heard = signal; }

/// In a process group of its own, which gets a signal: it goes on, and so does its work.
int in_a_group() {
  setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGUSR1, SIGHUP}) std::signal(signal, hear);
  const pid_t child = fork();  // the control arm: of this group, with default actions
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    sleep_for_ever();
  }
  std::string wrong;
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  rt.run([&](scope& s) {
    auto task = s.spawn(offload({}, spin_and_mark, mark("started"), mark("ended"), std::int64_t{500}));
    while (access(mark("started").c_str(), F_OK) != 0) s.sleep_for(1ms);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) kill(0, signal);
    if (how(task.result()) != "value") wrong += "the group's signals reached a worker; ";
    wrong += exercise(s);
  });
  if (heard == 0) wrong += "control arm: this host heard nothing; ";
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) wrong += "control arm: the group was not signalled; ";
  if (pool_of(rt).status().zygotes != 1) wrong += "the zygote was replaced; ";
  return complain(wrong);
}

/// Returns normally, unless it is killed.
pid_t start_bystander(useconds_t us = 3000) {
  const pid_t child = fork();
  if (child == 0) {
    usleep(us);
    _exit(0);
  }
  return child;
}

/// Process 1 of a namespace with some forty free pids, which the kernel reuses within milliseconds. Bystanders start
/// and exit on the pids of stopped workers; none of them is ever killed.
int few_pids() {
  std::ofstream("/proc/sys/kernel/pid_max") << 345;
  pid_t stale = 0;  // the control arm: a pid that is kept after its process; those below 300 are not reused
  while (stale < 300) {
    stale = start_bystander(0);
    waitpid(stale, nullptr, 0);
  }
  bool hit = false;
  for (int n = 0; n < 1000 && !hit; ++n) {
    const pid_t other = start_bystander();
    if (other == stale) kill(stale, SIGKILL);
    int status = 0;
    waitpid(other, &status, 0);
    hit = WIFSIGNALED(status);
  }
  if (!hit) return complain("control arm: no number has come round; ");

  std::string wrong;
  {
    runtime rt({}, processes({.workers = 2, .spares = 2}));
    std::atomic<bool> over{false};
    std::atomic<int> bystanders{0}, victims{0};
    std::thread street([&] {
      std::vector<pid_t> about;
      while (!over || !about.empty()) {
        if (!over && about.size() < 15) {
          const pid_t next = start_bystander();
          if (next > 0) about.push_back(next);
        }
        std::erase_if(about, [&](pid_t pid) {
          int status = 0;
          if (waitpid(pid, &status, WNOHANG) != pid) return false;
          ++bystanders;
          victims += WIFSIGNALED(status);
          return true;
        });
        usleep(100);
      }
    });
    // Three hundred stops, and more where a busy machine lets few bystanders pass meanwhile.
    for (int n = 0; n < 300 || (bystanders < 500 && n < 3000); ++n) {
      const auto ended = rt.run([](scope& s) {
        return how(s.spawn({.background = true}, offload({.timeout = 2ms}, spin_for_ever)).result());
      });
      if (ended != "timed_out") wrong += "a stop was " + ended + "; ";
    }
    over = true;
    street.join();
    if (victims != 0) wrong += std::to_string(victims) + " bystanders were killed; ";
    if (bystanders < 500) wrong += "control arm: only " + std::to_string(bystanders) + " bystanders; ";
  }
  return complain(wrong);
}

/// Of a user who may have no more processes than there are. (EAGAIN)
int few_processes() {
  if (setgroups(0, nullptr) != 0 || setresgid(54321, 54321, 54321) != 0 || setresuid(54321, 54321, 54321) != 0)
    return complain("this host could not become another user; ");
  std::string wrong;
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  const auto add_after = [&](int crashes) {
    return rt.run([&](scope& s) {
      for (int i = 0; i < crashes; ++i) s.spawn({.background = true}, offload({}, [] { _exit(1); })).wait();
      return how(s.spawn({.background = true}, offload({.timeout = 10s}, add, 2, 3)).result());
    });
  };
  if (!becomes_whole(rt)) wrong += "the pool does not start; ";
  {
    const limit_for_a_while processes_of_user(RLIMIT_NPROC, 1, pool_of(rt).status().zygote);
    if (const auto ended = add_after(2); ended != "start_failed") wrong += "without processes: " + ended + "; ";
  }
  if (!eventually([&] { return add_after(0) == "value"; })) wrong += "the pool does not recover; ";
  {
    const limit_for_a_while processes_of_user(RLIMIT_NPROC, 1);
    kill(pool_of(rt).status().zygote, SIGKILL);
    if (!eventually([&] { return pool_of(rt).status().zygote_failures >= 2; })) wrong += "its end was not noticed; ";
    if (const auto ended = add_after(0); ended != "start_failed") wrong += "without another zygote: " + ended + "; ";
    if (pool_of(rt).status().zygote != 0) wrong += "control arm: there is another zygote; ";
  }
  if (!eventually([&] { return add_after(0) == "value"; })) wrong += "the pool has given up for good; ";
  return complain(wrong);
}

int run(const std::string& mode) {
  const std::map<std::string, int (*)()> modes{{"idle", idle},
                                               {"last_of_four_in_preload", last_of_four_in_preload},
                                               {"opening", opening},
                                               {"reloading", reloading},
                                               {"in_preload", in_preload},
                                               {"spinning", spinning},
                                               {"sending", sending},
                                               {"stopping", stopping},
                                               {"forked", forked},
                                               {"everything", everything},
                                               {"until_told", until_told},
                                               {"without_privileges", without_privileges},
                                               {"in_a_group", in_a_group},
                                               {"few_pids", few_pids},
                                               {"few_processes", few_processes}};
  const auto found = modes.find(mode);
  return found == modes.end() ? 2 : found->second();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) setenv("WORKIT_FAILING_HOST_FOLDER", argv[2], 1);
  if (const char* given = std::getenv("WORKIT_FAILING_HOST_FOLDER")) folder = given;
  init(argc, argv);
  return argc < 2 ? 2 : run(argv[1]);
}
