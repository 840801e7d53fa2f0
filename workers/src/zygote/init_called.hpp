// Whether main has called init(): apart from it, since init.cpp is for executables only.
#pragma once

namespace workit::workers {

/// Threads: any.
void note_init() noexcept;

}  // namespace workit::workers
