// render_tree: draws scopes and tasks line by line.
#include <workit/status/render_tree.hpp>

#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include <workit/base/detail/duration_text.hpp>

namespace workit {
namespace {

struct glyph_set {
  const char *branch, *last, *through, *blank;
  const char *pending, *running, *succeeded, *failed, *cancelled;
  const char* between;
};

constexpr glyph_set ascii_set{"+-- ", "\\-- ", "|   ", "    ", "[ ]", "[..]", "[OK]", "[X]", "[!]", " | "};
constexpr glyph_set unicode_set{"├─ ", "└─ ", "│  ", "   ", "⏸", "⏳", "✓", "✗", "⊘", " · "};

bool locale_is_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set rules, as in setlocale(3)
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view name = value;
    return name.ends_with("UTF-8") || name.ends_with("utf8") || name.ends_with("utf-8") || name.ends_with("UTF8");
  }
  return false;
}

const glyph_set& set_of(tree_glyphs glyphs) {
  if (glyphs == tree_glyphs::automatic) {
    const bool fit = std::getenv("NO_UNICODE") == nullptr && isatty(STDERR_FILENO) == 1 && locale_is_utf8();
    glyphs = fit ? tree_glyphs::unicode : tree_glyphs::ascii;
  }
  return glyphs == tree_glyphs::unicode ? unicode_set : ascii_set;
}

std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

void add(task_counts& to, const task_counts& more) {
  to.pending += more.pending;
  to.running += more.running;
  to.succeeded += more.succeeded;
  to.failed += more.failed;
  to.cancelled += more.cancelled;
}

void count(const scope_snapshot& s, task_counts& to) {
  add(to, s.counts);
  for (const auto& task : s.tasks)
    for (const auto& below : task.scopes) count(below, to);
  for (const auto& below : s.scopes) count(below, to);
}

class drawing {
 public:
  explicit drawing(const tree_options& options) : options_(options), set_(set_of(options.glyphs)) {}

  void first_line(const std::string& text) { out_ += text + '\n'; }
  void scope_line(const scope_snapshot& s) { first_line(label(s)); }

  // What stands below a scope; `prefix` is drawn before each line.
  void below(const scope_snapshot& s, const std::string& prefix, std::size_t depth) {
    if (depth >= options_.max_depth) return;
    const bool more = s.tasks_forgotten != 0;
    std::size_t left = s.tasks.size() + s.scopes.size() + (more ? 1 : 0) + (s.cut ? 1 : 0);
    if (more) line(prefix, --left == 0, std::to_string(s.tasks_forgotten) + " more that ended earlier");
    if (s.cut) line(prefix, --left == 0, "what is deeper was left out");
    for (const auto& task : s.tasks) draw(task, prefix, --left == 0, depth + 1);
    for (const auto& scope : s.scopes) draw(scope, prefix, --left == 0, depth + 1);
  }
  void draw(const scope_snapshot& s, const std::string& prefix, bool last, std::size_t depth) {
    line(prefix, last, label(s));
    below(s, prefix + (last ? set_.blank : set_.through), depth);
  }
  void draw(const task_snapshot& t, const std::string& prefix, bool last, std::size_t depth) {
    line(prefix, last, label(t));
    if (depth >= options_.max_depth) return;
    std::size_t left = t.scopes.size();
    for (const auto& scope : t.scopes) draw(scope, prefix + (last ? set_.blank : set_.through), --left == 0, depth + 1);
  }

  std::string with_summary(const task_counts& c) && {
    const auto part = [&](std::uint64_t n, const char* mark) { return set_.between + std::to_string(n) + ' ' + mark; };
    out_ += '\n' + std::to_string(c.total()) + (c.total() == 1 ? " task" : " tasks") +
            part(c.succeeded, set_.succeeded) + part(c.failed, set_.failed) + part(c.cancelled, set_.cancelled) +
            part(c.running, set_.running) + part(c.pending, set_.pending) + '\n';
    return std::move(out_);
  }

 private:
  void line(const std::string& prefix, bool last, const std::string& text) {
    out_ += prefix + (last ? set_.last : set_.branch) + text + '\n';
  }

  [[nodiscard]] const char* mark(task_status s) const {
    switch (s) {
      case task_status::pending:
        return set_.pending;
      case task_status::running:
        return set_.running;
      case task_status::succeeded:
        return set_.succeeded;
      case task_status::failed:
        return set_.failed;
      case task_status::cancelled:
        return set_.cancelled;
    }
    return "?";
  }

  // The end of a label, which tasks and scopes share.
  template <class Snapshot>
  [[nodiscard]] std::string state_of(const Snapshot& s) const {
    std::string text;
    if (s.stopping) {
      text += ", cancelled";
      if (options_.durations) text += ' ' + detail::in_words(s.stopping->since) + " ago";
      text += ": " + describe(s.stopping->why);
    }
    if (s.in_cleanup) text += ", in a cleanup";
    if (!s.waits_for.empty()) text += ", waits for " + s.waits_for;
    return text;
  }

  [[nodiscard]] std::string label(const task_snapshot& t) const {
    std::string text = t.name + " (";
    if (t.kind != task_kind::io) text += std::string(to_string(t.kind)) + ", ";
    text += to_string(t.status);
    if (options_.durations) text += ", " + detail::in_words(t.started ? t.took : t.age);
    if (options_.progress && t.progress) text += ", " + std::to_string(std::lround(*t.progress * 100)) + '%';
    if (options_.progress && t.message) text += ", \"" + *t.message + '"';
    if (t.attempt && *t.attempt > 1) text += ", attempt " + std::to_string(*t.attempt);
    if (t.status == task_status::cancelled && t.stopping)
      text += ": " + describe(t.stopping->why);
    else if (t.failure)
      text += ": " + t.failure->what;
    if (t.status <= task_status::running) text += state_of(t);
    return mark(t.status) + (' ' + printable(text + ')'));
  }

  [[nodiscard]] std::string label(const scope_snapshot& s) const {
    std::string text = s.name + '#' + std::to_string(s.id) + " (" + std::string(to_string(s.state));
    if (options_.durations) text += ", " + detail::in_words(s.open);
    if (options_.durations && !s.deadline.is_never() && s.state != scope_state::closed)
      text += s.deadline.passed(s.taken) ? ", deadline " + detail::in_words(s.deadline.overdue(s.taken)) + " ago"
                                         : ", deadline in " + detail::in_words(s.deadline.remaining(s.taken));
    return printable(text + state_of(s) + ')');
  }

  const tree_options& options_;
  const glyph_set& set_;
  std::string out_;
};

}  // namespace

std::string render_tree(const scope_snapshot& snapshot, const tree_options& options) {
  drawing tree(options);
  tree.scope_line(snapshot);
  tree.below(snapshot, "", 0);
  task_counts all;
  count(snapshot, all);
  return std::move(tree).with_summary(all);
}

std::string render_tree(const runtime_snapshot& snapshot, const tree_options& options) {
  drawing tree(options);
  tree.first_line(printable("runtime " + snapshot.name));
  task_counts all;
  std::size_t left = options.max_depth == 0 ? 0 : snapshot.roots.size() + snapshot.queued.size();
  for (const auto& root : snapshot.roots) {
    if (left != 0) tree.draw(root, "", --left == 0, 1);
    count(root, all);
  }
  for (const auto& task : snapshot.queued) {
    if (left != 0) tree.draw(task, "", --left == 0, 1);
    ++(task.status == task_status::pending ? all.pending : all.running);
  }
  return std::move(tree).with_summary(all);
}

}  // namespace workit
