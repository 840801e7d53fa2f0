// Work for the worker boundary: loops that end by themselves after a while and leave a marker when they do.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <support/fixture.hpp>
#include <support/temporary_directory.hpp>
#include <thread>
#include <workit/workit.hpp>

namespace workit::test {

using namespace std::chrono_literals;

/// How long a victim runs when it is not stopped: longer than any delay of the machine, short enough to wait for.
inline constexpr std::chrono::milliseconds natural_end = 2000ms;

/// A folder for markers, gone after the test.
class marker_folder : public temporary_directory {
 public:
  /// Lets the fiber's neighbours run until the marker is there.
  void await(const std::string& name, context& ctx) const {
    while (!has(name)) ctx.sleep_for(1ms);
  }
};

/// With the process's id, which is in it as soon as the file exists: a reader without an id would signal its own group.
/// Several processes may leave the same one.
inline void leave_marker(const std::string& file) {
  const auto mine = file + "." + std::to_string(getpid());
  std::ofstream(mine) << getpid();
  std::filesystem::rename(mine, file);
}

inline void spin_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// A page in a file, shared between a victim that writes the time without pause and the test that reads it.
class heartbeat {
 public:
  explicit heartbeat(const std::string& file) {
    const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = fd >= 0 && ftruncate(fd, sizeof(page)) == 0;
    void* const mapped = sized ? mmap(nullptr, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (mapped == MAP_FAILED) throw std::runtime_error("no memory for a heartbeat");
    page_ = static_cast<page*>(mapped);
  }
  ~heartbeat() { munmap(page_, sizeof(page)); }
  heartbeat(const heartbeat&) = delete;
  heartbeat& operator=(const heartbeat&) = delete;
  void beat() {
    page_->instant.store(std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  }
  [[nodiscard]] std::chrono::steady_clock::time_point last() const {
    return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(page_->instant.load()));
  }
  /// From now on the victim, if it still runs, ends by itself.
  void let_out() { page_->let_out = true; }
  [[nodiscard]] bool is_let_out() const { return page_->let_out; }

 private:
  struct page {
    std::atomic<std::int64_t> instant;
    std::atomic<bool> let_out;
  };
  page* page_;
};

/// Marks its start, spins with a heartbeat in `started` + ".beat" until it is let out or its time is over, marks its
/// end. Ignores stop tokens.
inline int spin_and_mark(const std::string& started, const std::string& ended, std::int64_t ms) {
  heartbeat heart(started + ".beat");
  heart.beat();
  leave_marker(started);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end && !heart.is_let_out()) heart.beat();
  leave_marker(ended);
  return 42;
}

/// The same with `mib` of dirty private memory.
inline int spin_with_memory(const std::string& started, const std::string& ended, std::int64_t ms, std::uint64_t mib) {
  void* memory = mmap(nullptr, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(memory, mib << 20, MADV_NOHUGEPAGE);
  std::memset(memory, 1, mib << 20);
  return spin_and_mark(started, ended, ms);
}

/// Lets the victim that marked its start in `started` out, and waits long enough for its end, if it still runs.
inline void let_out(const std::string& started) {
  heartbeat(started + ".beat").let_out();
  std::this_thread::sleep_for(300ms);
}

/// Keeps the receipt of a scope and lets the test's thread wait for it. One that is not waited for may come after the
/// test, while its runtime ends.
class kept_receipt {
 public:
  [[nodiscard]] std::function<void(const scope_receipt&)> keeper() {
    return [to = kept_](const scope_receipt& r) {
      to->receipt = r;
      to->complete.store(true);
      to->complete.notify_all();
    };
  }
  const scope_receipt& get() {
    kept_->complete.wait(false);
    return kept_->receipt;
  }

 private:
  struct kept {
    scope_receipt receipt;
    std::atomic<bool> complete{false};
  };
  std::shared_ptr<kept> kept_ = std::make_shared<kept>();
};

/// A test with a runtime that has a pool of two workers and a spare.
class worker_test : public runtime_test {
 protected:
  void SetUp() override {
    runtime_test::SetUp();
    rt_.emplace(runtime_options{}, processes({.workers = 2, .spares = 1}));
  }
  void TearDown() override {
    rt_.reset();  // so that nothing of it is counted as left
    runtime_test::TearDown();
  }

  std::optional<runtime> rt_;
};

}  // namespace workit::test
