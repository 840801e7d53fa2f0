// render_tree: a snapshot as text for people.
#pragma once

#include <limits>
#include <workit/scope/snapshot.hpp>

namespace workit {

/// What the branches and marks of a tree are drawn with.
enum class tree_glyphs : std::uint8_t {
  ascii,      ///< "+--", "[OK]"
  unicode,    ///< "├─", "✓"; in UTF-8
  automatic,  ///< unicode if NO_UNICODE is not set, standard error is a terminal and the locale says UTF-8; else ascii
};

struct tree_options {
  /// By default nothing outside the arguments is looked at; `automatic` reads the environment: not while another thread
  /// changes it.
  tree_glyphs glyphs = tree_glyphs::ascii;
  /// How many levels are drawn below the first; 0 draws the scope alone. The summary counts all.
  std::size_t max_depth = std::numeric_limits<std::size_t>::max();
  bool durations = true;
  bool progress = true;
};

/// The scope with its tasks, then its scopes, then a blank line and the summary of the whole tree:
///
///     page#1 (running, 41 ms, deadline in 9 ms, waits for task)
///     +-- [OK] text (succeeded, 12 ms)
///     +-- [..] llm (running, 38 ms, 40%, waits for channel)
///     |   \-- fetch#5 (closing, 5 ms, cancelled 1.2 ms ago: deadline passed, waits for its tasks)
///     |       \-- [ ] part (pending, 210 us, waits for its turn)
///     \-- [X] rank (failed, 3.4 ms: the worker of task "rank" died of signal 11 (Segmentation fault))
///
///     4 tasks | 1 [OK] | 1 [X] | 0 [!] | 1 [..] | 1 [ ]
///
/// Control characters in names and messages become '?'. Pure. Blocks: no. Threads: any.
[[nodiscard]] std::string render_tree(const scope_snapshot& snapshot, const tree_options& options = {});
/// The same for all roots, under the name of the runtime.
[[nodiscard]] std::string render_tree(const runtime_snapshot& snapshot, const tree_options& options = {});

}  // namespace workit
