// Reads the package descriptions of a Debian system.
#include "search/corpus.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace chat {
namespace {

std::string_view trim(std::string_view line) {
  const auto blank = " \t\r";
  const std::size_t begin = line.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(blank) - begin + 1);
}

/// Reads the stanzas of a control file (deb-control(5)) line by line.
class stanza_reader {
 public:
  void take(std::string_view line) {
    if (trim(line).empty()) {
      finish();
    } else if (line.front() == ' ' || line.front() == '\t') {
      if (in_description_) unfold(trim(line));
    } else {
      start_field(line);
    }
  }

  std::vector<document> finished() {
    finish();
    return std::move(documents_);
  }

 private:
  void start_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? "" : trim(line.substr(colon + 1));
    in_description_ = field == "Description" || field == "Description-en";
    in_synopsis_ = in_description_;
    if (in_description_) open_.text = value;
    if (field == "Package") open_.name = value;
  }

  void unfold(std::string_view line) {
    if (line == ".") return;  // an empty line of the description
    if (!open_.text.empty()) open_.text += in_synopsis_ ? ". " : " ";
    open_.text += line;
    in_synopsis_ = false;
  }

  void finish() {
    if (!open_.name.empty() && !open_.text.empty() && seen_.insert(open_.name).second)
      documents_.push_back(std::move(open_));
    open_ = {};
    in_description_ = false;
  }

  std::vector<document> documents_;
  std::unordered_set<std::string> seen_;  // names
  document open_;
  bool in_description_ = false;
  bool in_synopsis_ = false;  // of the description nothing but its first line has been read
};

}  // namespace

std::vector<document> read_corpus(const std::filesystem::path& status_file) {
  std::ifstream in(status_file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open the corpus " + status_file.string() + ": " + std::strerror(errno));
  stanza_reader reader;
  for (std::string line; std::getline(in, line);) reader.take(line);
  std::vector<document> documents = reader.finished();
  if (documents.empty())
    throw std::runtime_error("the corpus " + status_file.string() +
                             " holds no package description: give the status file of dpkg or a Translation-en of apt");
  return documents;
}

}  // namespace chat
