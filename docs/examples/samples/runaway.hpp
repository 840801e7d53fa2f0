// Work that never ends, and the trace by which a sample sees that it has ended all the same.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

namespace sample {

/// A counter in a file that host and worker both map: it moves for as long as the work executes instructions.
class trace {
 public:
  /// The host's: makes the file, and takes it away at the end.
  trace() : file_((std::filesystem::temp_directory_path() / "workit-sample-XXXXXX").string()), owner_(getpid()) {
    map(mkstemp(file_.data()));
  }
  /// The worker's.
  explicit trace(std::string file) : file_(std::move(file)) { map(open(file_.c_str(), O_RDWR | O_CLOEXEC)); }
  ~trace() {
    munmap(steps_, size);
    if (owner_ == getpid()) unlink(file_.c_str());
  }
  trace(const trace&) = delete;
  trace& operator=(const trace&) = delete;

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  void step() noexcept { steps_->fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] unsigned long steps() const noexcept { return steps_->load(std::memory_order_relaxed); }
  [[nodiscard]] bool begun() const noexcept { return steps() != 0; }
  /// Whether the work goes on. Blocks: the calling thread, 20 ms.
  [[nodiscard]] bool moves() const {
    const auto before = steps();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return steps() != before;
  }

 private:
  static constexpr std::size_t size = sizeof(std::atomic<unsigned long>);

  void map(int fd) {
    const bool sized = fd >= 0 && ftruncate(fd, size) == 0;
    void* page = sized ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (page == MAP_FAILED) throw std::runtime_error("cannot map " + file_);
    steps_ = static_cast<std::atomic<unsigned long>*>(page);
  }

  std::string file_;
  pid_t owner_ = 0;
  std::atomic<unsigned long>* steps_ = nullptr;
};

/// Never returns, and looks at no stop token.
[[noreturn]] inline void run_away(const std::string& trace_file) {
  for (trace here(trace_file);;) here.step();
}

}  // namespace sample
