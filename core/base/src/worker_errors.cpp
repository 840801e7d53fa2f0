// worker_errors: their sentences.
#include <workit/base/worker_errors.hpp>

#include <cstring>
#include <workit/base/detail/cut_text.hpp>

namespace workit {
namespace {

std::string sentence_of(const std::string& task, const crash_facts& how) {
  const auto worker = "the worker of task \"" + task + "\" ";
  if (how.signal == 0)
    return worker + "exited with code " + std::to_string(how.exit_code) + " before its task was done";
  return worker + "died of signal " + std::to_string(how.signal) + " (" + ::strsignal(how.signal) + ")";
}

std::string sentence_of(const std::string& type, const std::string& what, const std::vector<exception_text>& causes) {
  auto all = type + ": " + what;
  for (const auto& cause : causes) all += "; caused by " + cause.type + ": " + cause.message;
  return all;
}

/// Its last words that are not blank, as they can stand in a line of a log.
std::string last_line_of(const std::string& output) {
  constexpr std::size_t longest = 200;
  const auto last = output.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) return {};
  const auto before = output.find_last_of('\n', last);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  auto line = detail::cut_text(output.substr(begin, last - begin + 1), longest);
  for (auto& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "; its last words: " + line;
}

std::string_view told(out_of_memory guess) {
  switch (guess) {
    case out_of_memory::no:
      return "the kernel reports no lack of memory";
    case out_of_memory::likely:
      return "probably by the kernel's out-of-memory killer";
    case out_of_memory::unknown:
      break;
  }
  return "perhaps by the kernel's out-of-memory killer";
}

std::string measured(resource what, std::uint64_t limit) {
  switch (what) {
    case resource::cpu:
      return std::to_string(limit / 1'000'000) + " ms of processor time";
    case resource::files:
      return std::to_string(limit) + " open files";
    case resource::processes:
      return std::to_string(limit) + " processes";
    case resource::memory:
    case resource::output:
    case resource::stack:
      break;
  }
  return std::to_string(limit) + " bytes of " + std::string(to_string(what));
}

}  // namespace

std::string_view to_string(out_of_memory guess) noexcept {
  switch (guess) {
    case out_of_memory::no:
      return "no";
    case out_of_memory::likely:
      return "likely";
    case out_of_memory::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(resource r) noexcept {
  switch (r) {
    case resource::memory:
      return "memory";
    case resource::cpu:
      return "cpu";
    case resource::files:
      return "files";
    case resource::processes:
      return "processes";
    case resource::output:
      return "output";
    case resource::stack:
      return "stack";
  }
  return "resource";
}

remote_error::remote_error(std::string type, std::string what, std::string backtrace, worker_usage used,
                           std::vector<exception_text> causes)
    : worker_error(sentence_of(type, what, causes), std::move(used)),
      type_(std::move(type)),
      message_(std::move(what)),
      backtrace_(std::move(backtrace)),
      causes_(std::move(causes)) {}

worker_crashed::worker_crashed(std::string task, crash_facts how, worker_usage used)
    : worker_error(sentence_of(task, how) + last_line_of(used.output), used), how_(std::move(how)) {}

killed_externally::killed_externally(std::string task, out_of_memory guess, worker_usage used)
    : worker_crashed("the worker of task \"" + task + "\" was killed by another process: " + std::string(told(guess)),
                     9, std::move(used)),
      oom_(guess) {}

zygote_lost::zygote_lost(std::string task, std::string zygote, worker_usage used)
    : worker_error("the worker of task \"" + task + "\" was lost with its zygote, which " + zygote, std::move(used)),
      zygote_(std::move(zygote)) {}

resource_exceeded::resource_exceeded(std::string task, workit::resource what, std::uint64_t limit, worker_usage used)
    : worker_error("task \"" + task + "\" reached its limit of " + measured(what, limit), std::move(used)),
      what_(what),
      limit_(limit) {}

sandbox_violated::sandbox_violated(std::string task, int number, std::string name, worker_usage used)
    : worker_error("task \"" + task + "\" called " + name + ", which its sandbox forbids", std::move(used)),
      number_(number),
      name_(std::move(name)) {}

queue_full::queue_full(const std::string& task, const std::string& pool, std::size_t limit)
    : start_failed("task \"" + task + "\" was refused: " + std::to_string(limit) + " tasks are waiting in pool \"" +
                   pool + "\", as many as its queue_limit allows"),
      limit_(limit) {}

pool_stopped::pool_stopped(const std::string& task, const std::string& pool)
    : start_failed("task \"" + task + "\" did not begin: pool \"" + pool + "\" was stopped") {}

}  // namespace workit
