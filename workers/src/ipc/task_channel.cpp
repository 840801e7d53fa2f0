// task_channel: the encodings of its messages, and of reasons in the control block.
#include "task_channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <workit/base/detail/cut_text.hpp>
#include <workit/base/overloaded.hpp>
#include <workit/workers/wire.hpp>

namespace workit::workers {
namespace {

constexpr std::size_t longest_message = 8 * 1024;
constexpr std::size_t longest_text = 256;
constexpr std::size_t most_fields = 32;

std::string cut(std::string_view text, std::size_t length) {
  return workit::detail::cut_text(std::string(text), length);
}

void write(wire_writer& to, fields data) {
  const auto count = std::min(data.size(), most_fields);
  to.write_count(count);
  for (std::size_t i = 0; i < count; ++i) {
    to.write(cut(data[i].name, longest_text));
    std::visit(
        workit::detail::overloaded{
            [&](std::string_view text) {
              to.write(std::variant<bool, std::int64_t, std::uint64_t, double, std::string>(cut(text, longest_text)));
            },
            [&](auto value) { to.write(std::variant<bool, std::int64_t, std::uint64_t, double, std::string>(value)); }},
        data[i].value);
  }
}

std::vector<field_message> read_fields(wire_reader& from) {
  std::vector<field_message> all;
  for (auto left = from.count(2); left > 0; --left) {
    auto name = from.read<std::string>();
    all.push_back({std::move(name), from.read<decltype(field_message::value)>()});
  }
  return all;
}

enum class kind : std::uint32_t { progress, log, blocks, charges, answer, part };

struct part_header {
  kind what = kind::part;
  part_message part;
};
static_assert(std::is_trivially_copyable_v<part_header>);

}  // namespace

bytes encode(const event::progress& body) {
  wire_writer to;
  to.write(kind::progress);
  to.write(body.pct);
  to.write(body.message ? std::optional(cut(*body.message, longest_message)) : std::nullopt);
  write(to, body.data);
  return to.take();
}

bytes encode(const event::log& body) {
  wire_writer to;
  to.write(kind::log);
  to.write(body.level);
  to.write(cut(body.message, longest_message));
  write(to, body.data);
  return to.take();
}

std::optional<task_message> decode(std::span<const std::byte> packet) noexcept try {
  wire_reader from(packet);
  std::optional<task_message> got;
  switch (from.read<kind>()) {
    case kind::progress: {
      progress_message body;
      body.pct = from.read<std::optional<double>>();
      body.message = from.read<std::optional<std::string>>();
      body.data = read_fields(from);
      got = std::move(body);
      break;
    }
    case kind::log: {
      log_message body;
      body.level = std::min(from.read<log_level>(), log_level::error);
      body.message = from.read<std::string>();
      body.data = read_fields(from);
      got = std::move(body);
      break;
    }
    case kind::blocks:
      got = blocks_message{from.read<std::uint32_t>()};
      break;
    case kind::charges: {
      charges_message asked;
      asked.question = from.read<std::uint32_t>();
      asked.only_look = from.read<bool>();
      for (auto left = from.count(2); left > 0; --left) {
        auto key = from.read<std::string>();
        const auto units = from.read<std::int64_t>();
        asked.parts.push_back({std::move(key), units, from.read<std::uint32_t>()});
      }
      got = std::move(asked);
      break;
    }
    case kind::answer:  // only the host sends it
    case kind::part:    // decode_part()
      return std::nullopt;
  }
  from.finish();
  return got;
} catch (const std::exception&) {
  return std::nullopt;
}

bytes encode(const charges_message& asked) {
  wire_writer to;
  to.write(kind::charges);
  to.write(asked.question);
  to.write(asked.only_look);
  to.write_count(asked.parts.size());
  for (const auto& part : asked.parts) {
    to.write(part.key);
    to.write(part.units);
    to.write(part.digits);
  }
  return to.take();
}

bytes encode(const charge_answer& answer) {
  wire_writer to;
  to.write(kind::answer);
  to.write(answer.question);
  to.write(answer.decided);
  to.write(answer.key);
  to.write(answer.unit);
  to.write(answer.digits);
  to.write(answer.limit);
  to.write(answer.spent);
  to.write(answer.attempted);
  return to.take();
}

std::optional<charge_answer> decode_answer(std::span<const std::byte> packet) noexcept try {
  wire_reader from(packet);
  if (from.read<kind>() != kind::answer) return std::nullopt;
  charge_answer answer;
  answer.question = from.read<std::uint32_t>();
  answer.decided = from.read<charge_answer::verdict>();
  answer.key = from.read<std::string>();
  answer.unit = from.read<std::string>();
  answer.digits = from.read<std::uint32_t>();
  answer.limit = from.read<std::int64_t>();
  answer.spent = from.read<std::int64_t>();
  answer.attempted = from.read<std::int64_t>();
  return answer;
} catch (const std::exception&) {
  return std::nullopt;
}

std::optional<packet> receive(int socket) {
  packet got;
  got.content.resize(largest_packet);
  std::span room(got.content.data(), got.content.size());
  if (receive_packet(socket, room, got.descriptors) != transfer::done) return std::nullopt;
  got.content.resize(room.size());
  return got;
}

int send_blocks(int socket, std::uint32_t generation, const attachments& blocks) noexcept try {
  wire_writer to;
  to.write(kind::blocks);
  to.write(generation);
  std::vector<int> descriptors;
  for (const auto& each : blocks) descriptors.push_back(each->descriptor());
  const auto sent = send_packet(socket, to.frame(), descriptors);
  return sent == transfer::done ? 0 : sent == transfer::again ? EAGAIN : errno;
} catch (const std::bad_alloc&) {
  return ENOMEM;
}

void begin_part(bytes& packet, const part_message& part) {
  const part_header header{.part = part};
  packet.clear();
  packet.append(&header, sizeof header);
}

std::optional<part_message> decode_part(std::span<const std::byte>& packet) noexcept {
  part_header header;
  if (packet.size() <= sizeof header) return std::nullopt;
  std::memcpy(static_cast<void*>(&header), packet.data(), sizeof header);
  if (header.what != kind::part) return std::nullopt;
  packet = packet.subspan(sizeof header);
  return header.part;
}

void take_blocks(std::vector<unique_fd> descriptors, attachments& to) {
  for (auto& each : descriptors) to.push_back(std::make_shared<shared_block>(std::move(each)));
}

std::vector<field> views_of(const std::vector<field_message>& owned) {
  std::vector<field> views;
  views.reserve(owned.size());
  for (const auto& each : owned)
    std::visit([&](const auto& value) { views.emplace_back(each.name, value); }, each.value);
  return views;
}

void write_reason(control_block::reason_fields& to, const cancel_reason& why) noexcept {
  to.kind = static_cast<std::uint32_t>(why.index());
  to.number = 0;
  std::string_view text;
  std::visit(
      workit::detail::overloaded{
          [&](const reason::user& r) { text = r.message; }, [&](const reason::manual& r) { text = r.tag; },
          [&](const reason::sibling_failed& r) { text = r.name; }, [&](const reason::budget& r) { text = r.key; },
          [&](const reason::deadline& r) { to.number = r.at.at().time_since_epoch().count(); },
          [&](const reason::timeout& r) { to.number = duration(r.limit).count(); }, [](const auto&) {}},
      why);
  to.text[text.copy(to.text, sizeof to.text - 1)] = 0;
}

cancel_reason read_reason(const control_block::reason_fields& from) {
  std::string text(from.text, ::strnlen(from.text, sizeof from.text));
  const auto is = [&](const cancel_reason& r) { return from.kind == r.index(); };
  if (is(reason::user{})) return reason::user{std::move(text)};
  if (is(reason::deadline{})) return reason::deadline{.at = deadline_point{time_point{duration{from.number}}}};
  if (is(reason::timeout{})) return reason::timeout{duration{from.number}};
  if (is(reason::parent_failed{})) return reason::parent_failed{};
  if (is(reason::sibling_failed{})) return reason::sibling_failed{.name = std::move(text)};
  if (is(reason::race_lost{})) return reason::race_lost{};
  if (is(reason::budget{})) return reason::budget{.key = std::move(text)};
  if (is(reason::scope_ended{})) return reason::scope_ended{};
  if (is(reason::shutdown{})) return reason::shutdown{};
  return reason::manual{.tag = std::move(text)};
}

}  // namespace workit::workers
