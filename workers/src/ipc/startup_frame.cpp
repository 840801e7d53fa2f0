// The frames of a start: written by the host, read by the zygote.
#include "startup_frame.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <workit/workers/detail/remote_call.hpp>

#include <workit/base/detail/file_limit.hpp>

namespace workit::workers {
namespace {

void write_all(int file, std::span<const std::byte> frame) {
  for (std::size_t done = 0; done < frame.size();) {
    const auto written = ::write(file, frame.data() + done, frame.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      throw start_failed("the arguments of preload and worker_init could not be written to a memfd: " +
                         std::string(std::strerror(errno)));
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

unique_fd write_startup_frames(std::span<const std::byte> preload, std::span<const std::byte> worker_init,
                               std::span<const std::byte> modules) {
  unique_fd file(::memfd_create("workit-start", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file)
    throw start_failed("no memfd for the arguments of preload and worker_init: " + std::string(std::strerror(errno)));
  if (!workit::detail::may_have_size(preload.size() + worker_init.size() + modules.size()))
    throw start_failed("the arguments of preload and worker_init take " +
                       std::to_string(preload.size() + worker_init.size()) +
                       " bytes, more than a file may have by RLIMIT_FSIZE");
  write_all(file.get(), preload);
  write_all(file.get(), worker_init);
  write_all(file.get(), modules);
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return file;
}

bool read_startup_frame(int file, std::uint64_t offset, std::uint64_t size, bytes& to) {
  struct stat about {};
  if (::fstat(file, &about) != 0 || about.st_size < 0) return false;
  const auto there = static_cast<std::uint64_t>(about.st_size);
  if (offset > there || size > there - offset) return false;
  to.resize(size);
  for (std::uint64_t done = 0; done < size;) {
    const auto got = ::pread(file, to.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::uint64_t>(got);
  }
  return true;
}

void make_startup_call(const function_id& entry, std::span<const std::byte> arguments) {
  const auto call = reinterpret_cast<trampoline>(require_function(entry));
  wire_reader from(arguments);
  wire_writer nothing;
  call(from, nothing);
}

}  // namespace workit::workers
