// Lets a type that has a cereal serialize() travel: template <> struct workit::wire<T> : workit::cereal_wire<T> {};
#pragma once

#include <cereal/cereal.hpp>
#include <workit/workers/wire.hpp>

namespace workit {

/// cereal's binary format, straight into a frame.
class cereal_writer : public cereal::OutputArchive<cereal_writer, cereal::AllowEmptyClassElision> {
 public:
  explicit cereal_writer(wire_writer& to) : OutputArchive(this), to_(to) {}
  void saveBinary(const void* from, std::size_t size) { to_.append(from, size); }

 private:
  wire_writer& to_;
};

/// The same read back. cereal's own archive resizes a container to whatever length it reads; this one holds each
/// length against what is left first.
class cereal_reader : public cereal::InputArchive<cereal_reader, cereal::AllowEmptyClassElision> {
 public:
  explicit cereal_reader(wire_reader& from) : InputArchive(this), from_(from) {}
  void loadBinary(void* to, std::size_t size) { from_.copy(to, size); }
  [[nodiscard]] std::size_t count() { return from_.count(); }

 private:
  wire_reader& from_;
};

/// Derive wire<T> from this. Requires: T is default constructible and has a serialize(), or load() and save().
template <class T>
struct cereal_wire {
  static void write(wire_writer& to, const T& value) {
    to.write(std::byte{1});  // a type that serializes nothing takes its byte too
    cereal_writer archive(to);
    archive(value);
  }
  static T read(wire_reader& from) {
    static_cast<void>(from.read<std::byte>());
    T value{};
    cereal_reader archive(from);
    archive(value);
    return value;
  }
};

// How cereal finds the ends of the archives, by argument-dependent lookup.

template <class T>
  requires std::is_arithmetic_v<T>
void save(cereal_writer& archive, const T& value) { archive.saveBinary(&value, sizeof value); }
template <class T>
  requires std::is_arithmetic_v<T>
void load(cereal_reader& archive, T& value) {
  unsigned char raw[sizeof value];
  archive.loadBinary(raw, sizeof raw);
  if constexpr (std::is_same_v<T, bool>)
    if (raw[0] > 1) throw wire_error("a frame has " + std::to_string(raw[0]) + " where a bool was expected");
  std::memcpy(&value, raw, sizeof value);
}

template <class T>
void serialize(cereal_writer& archive, cereal::NameValuePair<T>& named) {
  archive(named.value);
}
template <class T>
void serialize(cereal_reader& archive, cereal::NameValuePair<T>& named) {
  archive(named.value);
}

template <class T>
void serialize(cereal_writer& archive, cereal::SizeTag<T>& tag) {
  const auto wide = static_cast<std::uint64_t>(tag.size);
  archive.saveBinary(&wide, sizeof wide);
}
template <class T>
void serialize(cereal_reader& archive, cereal::SizeTag<T>& tag) {
  tag.size = static_cast<std::remove_reference_t<T>>(archive.count());
}

template <class T>
void save(cereal_writer& archive, const cereal::BinaryData<T>& block) {
  archive.saveBinary(block.data, static_cast<std::size_t>(block.size));
}
template <class T>
void load(cereal_reader& archive, cereal::BinaryData<T>& block) {
  archive.loadBinary(block.data, static_cast<std::size_t>(block.size));
}

}  // namespace workit

CEREAL_REGISTER_ARCHIVE(workit::cereal_writer)
CEREAL_REGISTER_ARCHIVE(workit::cereal_reader)
CEREAL_SETUP_ARCHIVE_TRAITS(workit::cereal_reader, workit::cereal_writer)
