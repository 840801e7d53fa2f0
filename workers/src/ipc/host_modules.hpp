// The modules of a host, against which its zygotes and workers hold their own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <workit/workers/bytes.hpp>

namespace workit::workers {

/// Those of this process, as they travel. Errors: start_failed, see loaded_modules().
[[nodiscard]] bytes encode_modules();

/// A sentence when this process has loaded a module from a path where `of_host` has another file. A function that the
/// host has named would call other code there than in the host, though its own module is the same. Modules that only
/// one of the two has are no difference: each opens what it needs. Errors: wire_error; start_failed, see
/// loaded_modules().
[[nodiscard]] std::optional<std::string> replaced_module(std::span<const std::byte> of_host);

}  // namespace workit::workers
