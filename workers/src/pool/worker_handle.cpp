// worker_handle: what the host writes into a block and what it believes of what comes back.
#include "worker_handle.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>

#include <workit/base/detail/file_limit.hpp>
#include "backtrace_text.hpp"
#include "limit_note.hpp"
#include "task_channel.hpp"

namespace workit::workers {
namespace {

/// The host's view of a block: the page of control, and what small payloads take.
constexpr std::size_t mapped_bytes = payload_offset + first_payload;

std::string with_errno(const std::string& what) { return what + ": " + std::strerror(errno); }

template <class T = std::string>
std::optional<T> next_word(wire_reader& from) {
  try {
    return from.read<T>();
  } catch (const wire_error&) {
    return std::nullopt;
  }
}

}  // namespace

std::shared_ptr<worker_handle> worker_handle::make(std::uint32_t number, std::shared_ptr<zygote_group> from,
                                                   worker_output output) {
  auto captured = output == worker_output::captured ? std::make_unique<captured_output>() : nullptr;
  unique_fd block(::memfd_create("workit-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!block) throw start_failed(with_errno("a worker's memory could not be created"));
  // Sealed before anybody else has it: the host's page can never be cut away below it.
  if (!workit::detail::set_file_size(block.get(), payload_offset + first_payload) ||
      ::fcntl(block.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    throw start_failed(with_errno("a worker's memory could not be sized"));
  void* page = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, block.get(), 0);
  if (page == MAP_FAILED) throw start_failed(with_errno("a worker's memory could not be mapped"));
  auto* const control = new (page) control_block;
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    ::munmap(page, mapped_bytes);
    throw start_failed(with_errno("a worker's socket could not be created"));
  }
  return std::make_shared<worker_handle>(number, std::move(from), std::move(block), control, unique_fd(ends[0]),
                                         unique_fd(ends[1]), std::move(captured));
}

std::vector<int> worker_handle::descriptors_for_zygote() const {
  std::vector<int> all{block_.get(), far_end_.get()};
  if (output_) all.push_back(output_->far_end());
  return all;
}

void worker_handle::close_far_ends() noexcept {
  far_end_.reset();
  if (output_) output_->close_far_end();
}

worker_handle::~worker_handle() {
  ::munmap(control_, mapped_bytes);
  if (large_ != nullptr) ::munmap(large_, large_size_);
}

std::byte* worker_handle::view(std::size_t size) const noexcept {
  if (size <= large_size_) return large_;
  constexpr std::size_t page = 4096;
  const auto rounded = (size + page - 1) / page * page;
  void* const at = large_ == nullptr
                       ? ::mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_SHARED, block_.get(), payload_offset)
                       : ::mremap(large_, large_size_, rounded, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) return nullptr;
  large_ = static_cast<std::byte*>(at);
  large_size_ = rounded;
  return large_;
}

std::byte* worker_handle::small_payload() const noexcept {
  return reinterpret_cast<std::byte*>(control_) + payload_offset;
}

bool worker_handle::change_word(control_word from, control_word to) noexcept {
  auto expected = from.bits();
  return control_->word.compare_exchange_strong(expected, to.bits(), std::memory_order_acq_rel);
}

std::optional<std::string> worker_handle::write_request(const remote_call& call, const request_terms& terms) {
  const auto& arguments = call.arguments;
  if (arguments.size() > largest_payload)
    return "the arguments take " + std::to_string(arguments.size()) + " bytes, more than the 2 GiB that can travel";
  // What is in memory is written there; what is not goes through the file, where a want of memory is an error.
  const bool is_small = arguments.size() <= first_payload;
  auto* const place = is_small                                    ? small_payload()
                      : arguments.size() <= first_payload + kept_ ? view(arguments.size())
                                                                  : nullptr;
  if (place != nullptr && !arguments.empty()) std::memcpy(place, arguments.data(), arguments.size());
  if (place == nullptr && !workit::detail::may_have_size(payload_offset + arguments.size()))
    return with_errno("the arguments of " + std::to_string(arguments.size()) +
                      " bytes could not be written to the worker's memory, which RLIMIT_FSIZE counts as a file");
  for (std::size_t done = place != nullptr ? arguments.size() : 0; done < arguments.size();) {
    const auto n = ::pwrite(block_.get(), arguments.data() + done, arguments.size() - done,
                            static_cast<off_t>(payload_offset + done));
    if (n > 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      return with_errno("the arguments could not be written to the worker's memory (pwrite64)");
  }
  written_ = arguments.size();
  control_->request.entry = call.entry;
  control_->request.size = arguments.size();
  control_->request.blocks = static_cast<std::uint32_t>(call.beside.size());
  if (!call.beside.empty()) {
    if (const int error = send_blocks(channel_.get(), generation, call.beside); error != 0)
      return std::string("the shared buffers of the call could not be sent: ") + std::strerror(error);
  }
  control_->request.deadline_ns =
      terms.until.is_never()
          ? std::numeric_limits<std::int64_t>::max()
          : std::chrono::duration_cast<std::chrono::nanoseconds>(terms.until.at().time_since_epoch()).count();
  control_->request.grace_ns = terms.grace.count();
  control_->request.loop = terms.loop;
  auto& name = control_->request.name;
  const auto length = std::min(terms.name.size(), sizeof name - 1);
  terms.name.copy(name, length);
  name[length] = 0;
  control_->request.limits = limits_ = terms.limits;
  control_->exceeded.store(0, std::memory_order_relaxed);
  control_->cpu_end_ns.store(0, std::memory_order_relaxed);
  return std::nullopt;
}

void worker_handle::prewake() noexcept {
  control_->prewoken.fetch_add(1, std::memory_order_release);
  wake(control_->word);
}

void worker_handle::ask(std::uint32_t task_generation, const cancel_reason& why) noexcept {
  write_reason(control_->asked, why);
  control_->asked.generation.store(task_generation, std::memory_order_release);
  wake(control_->asked.generation);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (auto& each : control_->channels) {  // a task that waits for room says so, and then looks whether it is asked
    if ((each.room.load(std::memory_order_relaxed) & channel_word::waits) == 0) continue;
    each.room.fetch_xor(channel_word::asked, std::memory_order_acq_rel);
    wake(each.room);
  }
}

std::size_t worker_handle::allocated() const noexcept {
  struct stat about {};
  constexpr std::size_t block_size = 512;
  if (::fstat(block_.get(), &about) != 0) return 0;
  const auto in_memory = static_cast<std::size_t>(about.st_blocks) * block_size;
  const auto behind = std::min(in_memory, static_cast<std::size_t>(about.st_size));
  return behind > payload_offset ? behind - payload_offset : 0;
}

bool worker_handle::read_payload(bytes& to, std::uint64_t size) const {
  if (size > largest_payload) return false;
  if (size <= first_payload) {  // a copy, whatever the worker still does to it
    to.resize(size);
    if (size != 0) std::memcpy(to.data(), small_payload(), size);
    return true;
  }
  // A worker could name a size, or stretch its file to it, without ever having written that much; or have memory
  // behind the end of its file, where this process may not look.
  if (allocated() < size) return false;
  to.resize(size);
  const auto* const place = view(size);
  if (place == nullptr) return false;
  std::memcpy(to.data(), place, size);
  return true;
}

std::optional<job_result> worker_handle::read_exceeded() const noexcept {
  const auto what = noted(control_->exceeded.load(std::memory_order_relaxed));
  const auto limit = what ? limit_of(limits_, *what) : limit_values::none;
  if (limit == limit_values::none) return std::nullopt;
  return job_exceeded{*what, limit};
}

std::optional<job_result> worker_handle::read_result(attachments blocks) const {
  // Each field is read once: what is checked is what is used.
  const auto kind = static_cast<result_kind>(control_->result.kind.load(std::memory_order_relaxed));
  const auto size = control_->result.size.load(std::memory_order_relaxed);
  if (kind == result_kind::exceeded) return read_exceeded();
  if (kind == result_kind::value && size > limits_.output) return job_exceeded{resource::output, limits_.output};
  bytes frame;
  if (!read_payload(frame, size)) return std::nullopt;
  if (blocks.size() != control_->result.blocks.load(std::memory_order_relaxed)) return std::nullopt;
  if (kind == result_kind::value) return job_value{{std::move(frame), std::move(blocks)}};
  if (kind == result_kind::cancelled) return job_gave_up{};
  wire_reader words(frame);
  auto first = next_word(words);
  if (!first) return std::nullopt;
  if (kind == result_kind::refused) return job_not_started{std::move(*first)};
  auto second = next_word(words);
  auto third = next_word(words);
  auto causes = next_word<std::vector<exception_text>>(words);
  if (!second || !third || !causes || kind != result_kind::exception) return std::nullopt;
  return job_exception{std::move(*first), std::move(*second), readable_backtrace(std::move(*third)),
                       std::move(*causes)};
}

void worker_handle::read_usage(worker_usage& to) const noexcept {
  // A worker can claim anything; what it claims is only told.
  constexpr std::uint64_t most_us = 1'000'000'000'000'000;
  to.cpu = std::chrono::microseconds(std::min(control_->result.cpu_us.load(std::memory_order_relaxed), most_us));
  to.largest_rss = control_->result.largest_rss.load(std::memory_order_relaxed) * 1024;
}

int worker_handle::noted_crash() const noexcept {
  const int claimed = control_->crash.noted.load(std::memory_order_acquire);
  return std::find(crash_signals.begin(), crash_signals.end(), claimed) != crash_signals.end() ? claimed : 0;
}

bool worker_handle::has_crashed() const noexcept {
  return control_->crash.signal.load(std::memory_order_acquire) != 0 && noted_crash() != 0;
}

std::string worker_handle::read_backtrace() const {
  constexpr std::uint32_t longest = 16 * 1024;
  const auto size = std::min(control_->crash.trace_size.load(std::memory_order_relaxed), longest);
  bytes text;
  if (size == 0 || !read_payload(text, size)) return {};
  return readable_backtrace({reinterpret_cast<const char*>(text.data()), text.size()});
}

void worker_handle::rewind(std::size_t may_keep) noexcept {
  const auto result = control_->result.size.load(std::memory_order_relaxed);
  if (written_ > first_payload || result > first_payload) {
    const auto all = allocated();
    kept_ = all > first_payload ? all - first_payload : 0;
  }
  if (kept_ > may_keep) give_back(kept_ - may_keep);
  written_ = 0;
  control_->word.store(control_word(++generation, phase::idle).bits(), std::memory_order_release);
}

void worker_handle::give_back(std::size_t at_most) noexcept {
  constexpr std::size_t page = 4096;
  const auto left = (kept_ - std::min(at_most, kept_)) / page * page;
  ::fallocate(block_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(mapped_bytes + left),
              static_cast<off_t>(largest_payload));
  kept_ = left;
}

}  // namespace workit::workers
