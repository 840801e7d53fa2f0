// The captured outputs of a pool's workers, watched together and taken in as they come.
#pragma once

#include <cstdint>
#include <vector>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

class captured_output;

/// An epoll set of pipes, each known by its worker's number. The kernel takes a pipe out of the set when its
/// captured_output closes it. Threads: any for add(); written() and drain() on the one that watches the descriptor.
class output_set {
 public:
  /// None; get() is negative.
  output_set() = default;
  /// An empty set. It is none when descriptors have run out.
  [[nodiscard]] static output_set make() noexcept;

  /// Readable while a pipe in the set has something to be taken in.
  [[nodiscard]] int get() const noexcept { return set_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return !!set_; }
  void reset() noexcept { set_.reset(); }

  /// Errors: start_failed.
  void add(std::uint32_t worker, const captured_output& output);
  /// The workers that have written, 32 at most: the others are told with the next call. Blocks: no.
  [[nodiscard]] std::vector<std::uint32_t> written() const;
  /// Takes in what is there. An output that no process can write to any more leaves the set. Blocks: no.
  void drain(captured_output& output) noexcept;

 private:
  unique_fd set_;
};

}  // namespace workit::workers
