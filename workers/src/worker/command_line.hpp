// What ps(1) and /proc/PID/cmdline show of a zygote and its workers.
#pragma once

#include <string_view>

namespace workit::workers {

/// Keeps where main's arguments lie, and the text of those from the third on. Threads: the process's only one.
void keep_command_line(int argc, char** argv);

/// From now on the command line is `role` and those. Nothing without keep_command_line(). The C library has the name of
/// the program there, too: backtraces begin with it. Threads: the process's only one.
void show_as(std::string_view role) noexcept;

}  // namespace workit::workers
