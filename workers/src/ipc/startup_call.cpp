// startup_call: the call of a start as it travels, and what does not go with it.
#include <workit/workers/startup_call.hpp>

#include <boost/core/demangle.hpp>
#include <workit/workers/with_args.hpp>

namespace workit {

workers::remote_call startup_call::encoded() const {
  return call_ != nullptr ? *call_ : workers::make_remote_call(code_);
}

std::string startup_call::name() const {
  return code_ != nullptr ? workers::name_of(code_) : boost::core::demangle(type_->name());
}

void detail::check_startup(const workers::remote_call& call) {
  constexpr std::size_t most = std::size_t{64} << 20;
  if (!call.beside.empty())
    throw wire_error("a shared_buffer cannot go with a preload or worker_init: let it map a file");
  if (!call.channels.empty())
    throw wire_error("a worker_channel cannot go with a preload or worker_init: it has no task");
  if (call.arguments.size() > most)
    throw wire_error("the arguments of a preload or worker_init take " + std::to_string(call.arguments.size()) +
                     " bytes, and at most 64 MiB travel: let it read a file");
}

}  // namespace workit
