// What a host, its zygote and its workers hold at one moment.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace workit::soak {

struct balance {
  std::size_t descriptors = 0;         ///< of the host
  std::size_t threads = 0;             ///< of the host
  std::size_t mappings = 0;            ///< of the host: lines of its maps
  std::size_t blocks = 0;              ///< workers' memory mapped by the host
  std::size_t zygote_descriptors = 0;  ///< of the zygote
  std::size_t zygote_mappings = 0;     ///< of the zygote
  std::size_t processes = 0;           ///< below the host, zombies too
  std::size_t zombies = 0;             ///< among them
  std::size_t rss_kib = 0;             ///< of the host
  std::size_t zygote_rss_kib = 0;      ///< of the zygote

  [[nodiscard]] static balance take(pid_t zygote);
  /// What there is more of now than in `before`, in words; memory may breathe by `breath_kib`.
  [[nodiscard]] std::string more_than(const balance& before, std::size_t breath_kib) const;
};

}  // namespace workit::soak
