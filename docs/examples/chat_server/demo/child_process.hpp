// child_process: a program that the demo runs, with its output in files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace demo {

/// A folder for the output of the children; gone with the object.
class scratch_folder {
 public:
  scratch_folder();
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Started by posix_spawn; killed and reaped when the object goes. Threads: one.
class child_process {
 public:
  /// Errors: std::runtime_error that names the program.
  child_process(const std::filesystem::path& program, std::vector<std::string> arguments, const scratch_folder& output);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// What it has written to standard output, or error, so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// The port in its "http://127.0.0.1:PORT" line. Blocks: until it is there.
  /// Errors: std::runtime_error with its output when it ends first.
  [[nodiscard]] std::uint16_t port();
  /// Sends SIGTERM and waits; its exit code, or minus the signal that ended it.
  int terminate();
  /// Waits for it to end by itself; as terminate().
  int wait();

  /// Counts from /proc.
  [[nodiscard]] std::size_t descriptors() const;
  [[nodiscard]] std::size_t threads() const;
  [[nodiscard]] std::size_t resident_kib() const;
  /// Waits until the number of descriptors has not changed for 100 ms: a server closes a little after its client.
  void await_quiet() const;

 private:
  bool ended();

  std::string name_;
  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int status_ = 0;
};

/// Processes in state Z whose parent is one of `parents`.
[[nodiscard]] std::size_t zombies_of(const std::vector<pid_t>& parents);

}  // namespace demo
