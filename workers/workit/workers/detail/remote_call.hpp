// A call that can be made in another process: which function, with which values.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/detail/task_entry.hpp>
#include <workit/workers/wire.hpp>

namespace workit {
class context;
class worker_context;
}  // namespace workit

namespace workit::workers {

/// Runs `body` in a root scope on this thread and stack, and waits for what it has spawned. In a worker the scope has
/// the task's name and deadline, is cancelled when the host asks the task to stop, and its reports and log lines are
/// the host's. Blocks: until the scope has closed. Errors: as runtime::run.
void run_in_worker_scope(const std::function<void(context&)>& body);

/// That of the task that the calling thread runs, at any worker boundary. Errors: asserts that there is one.
[[nodiscard]] worker_context& this_worker_context();

/// What runs in the worker: reads the arguments, calls, writes the result.
using trampoline = void (*)(wire_reader& arguments, wire_writer& result);

/// An encoded frame, which does not change any more: copies share it, so that a call is made as often as one likes
/// without copying what it carries.
class shared_frame {
 public:
  shared_frame() noexcept = default;
  shared_frame(bytes frame)  // NOLINT(google-explicit-constructor): it is one
      : frame_(std::make_shared<const bytes>(std::move(frame))) {}

  [[nodiscard]] const std::byte* data() const noexcept { return frame_ ? frame_->data() : nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return frame_ ? frame_->size() : 0; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const std::byte* begin() const noexcept { return data(); }
  [[nodiscard]] const std::byte* end() const noexcept { return data() + size(); }

 private:
  std::shared_ptr<const bytes> frame_;
};

struct remote_call {
  function_id entry;  ///< of a trampoline
  shared_frame arguments;
  attachments beside{};         ///< the shared buffers among them
  bool in_scope = false;        ///< the function takes a context&, which only a worker process has
  channels_of_call channels{};  ///< those among the arguments that the task sends to
};

/// What a call came back with.
struct encoded_result {
  bytes frame;
  attachments beside{};
};

/// What is written for a task that returns void.
using nothing = std::monostate;

namespace detail {

/// Parameters by which a callable is called: deduced from its signature, or from the arguments when it has several.
template <class... P>
struct parameter_list {};

template <class R, class... P>
struct signature {
  using result = R;
  using parameters = parameter_list<P...>;
};

template <class F>
struct signature_of;  // the callable is overloaded or generic
template <class R, class... P>
struct signature_of<R (*)(P...)> : signature<R, P...> {};
template <class R, class... P>
struct signature_of<R (*)(P...) noexcept> : signature<R, P...> {};
template <class C, class R, class... P>
struct signature_of<R (C::*)(P...)> : signature<R, P...> {};
template <class C, class R, class... P>
struct signature_of<R (C::*)(P...) noexcept> : signature<R, P...> {};
template <class C, class R, class... P>
struct signature_of<R (C::*)(P...) const> : signature<R, P...> {};
template <class C, class R, class... P>
struct signature_of<R (C::*)(P...) const noexcept> : signature<R, P...> {};

/// Which context a function takes as its first parameter: that is the worker's own, and does not travel.
enum class own_context { none, scope, light };

template <class Parameters>
struct split_context {
  using travelling = Parameters;
  static constexpr auto wanted = own_context::none;
};
template <class... P>
struct split_context<parameter_list<context&, P...>> {
  using travelling = parameter_list<P...>;
  static constexpr auto wanted = own_context::scope;
};
template <class... P>
struct split_context<parameter_list<worker_context&, P...>> {
  using travelling = parameter_list<P...>;
  static constexpr auto wanted = own_context::light;
};

template <class F>
concept function_pointer = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;
template <class F>
concept one_signature = requires {
  &F::operator();
};

template <class F, class... A>
struct raw_shape {
  using result = std::invoke_result_t<F&, std::decay_t<A>&&...>;
  using parameters = parameter_list<std::decay_t<A>...>;
};
template <class F, class... A>
  requires(!function_pointer<F> && !one_signature<F> && !std::is_invocable_v<F&, std::decay_t<A>&&...> &&
           std::is_invocable_v<F&, context&, std::decay_t<A>&&...>)
struct raw_shape<F, A...> {
  using result = std::invoke_result_t<F&, context&, std::decay_t<A>&&...>;
  using parameters = parameter_list<context&, std::decay_t<A>...>;
};
template <function_pointer F, class... A>
struct raw_shape<F, A...> : signature_of<F> {};
template <one_signature F, class... A>
struct raw_shape<F, A...> : signature_of<decltype(&F::operator())> {};

template <class F, class... A>
struct call_shape {
  using result = typename raw_shape<F, A...>::result;
  using parameters = typename split_context<typename raw_shape<F, A...>::parameters>::travelling;
  static constexpr auto takes = split_context<typename raw_shape<F, A...>::parameters>::wanted;
};

/// How a result is kept on its way back.
template <class R>
using kept = std::conditional_t<std::is_void_v<R>, nothing, std::remove_cvref_t<R>>;

template <class R, class Call>
void write_result(wire_writer& to, Call call) {
  if constexpr (std::is_void_v<R>) {
    call();
    to.write(nothing{});
  } else {
    to.write<kept<R>>(call());
  }
}

/// An operator() that is not a template; not a static one, whose address is that of a function.
template <class F>
concept one_member = one_signature<F> && std::is_member_function_pointer_v<decltype(&F::operator())>;

/// Calls the task's own function, which has a frame of its own wherever that can be had: with that a backtrace ends.
template <class R, class F, class... A>
R call_task(F& f, A&&... arguments) {
  if constexpr (one_member<F>) {
    auto function = &F::operator();
    auto* object = &f;
    // The compiler is to know neither: so the task's code does not become part of this function's.
    asm volatile("" : "+m"(function), "+r"(object));
    const task_entry entry(__builtin_frame_address(0));
    return (object->*function)(std::forward<A>(arguments)...);
  } else if constexpr (function_pointer<F>) {
    const task_entry entry(__builtin_frame_address(0));
    return f(std::forward<A>(arguments)...);
  } else {
    const task_entry entry(__builtin_dwarf_cfa());  // with this frame, which may be the task's own
    return f(std::forward<A>(arguments)...);
  }
}

template <class Shape, class F, class... P>
void call_with(F f, parameter_list<P...>, wire_reader& from, wire_writer& to) {
  using R = typename Shape::result;
  std::tuple<std::decay_t<P>...> values{from.read<std::decay_t<P>>()...};  // braces: left to right
  from.finish();
  const auto call = [&](auto&... context) {
    write_result<R>(to, [&]() -> R {
      return std::apply([&](auto&... v) -> R { return call_task<R>(f, context..., static_cast<P&&>(v)...); }, values);
    });
  };
  if constexpr (Shape::takes == own_context::scope)
    run_in_worker_scope([&](context& ctx) { call(ctx); });
  else if constexpr (Shape::takes == own_context::light)
    call(this_worker_context());
  else
    call();
}

/// For a function: the frame names it in front of its arguments.
template <class F, class... A>
void call_function(wire_reader& from, wire_writer& to) {
  const auto f = require_function(from.read<function_id>());
  using shape = call_shape<F, A...>;
  call_with<shape>(reinterpret_cast<F>(f), typename shape::parameters{}, from, to);
}

/// For a captureless lambda: its type says it all.
template <class F, class... A>
void call_stateless(wire_reader& from, wire_writer& to) {
  using shape = call_shape<F, A...>;
  call_with<shape>(F{}, typename shape::parameters{}, from, to);
}

/// The name of a trampoline, found once. Hidden, since of static objects of a template there is one for all modules of
/// a process otherwise (STB_GNU_UNIQUE): the first library would name its trampoline for all others.
template <trampoline Of>
[[gnu::visibility("hidden")]] const function_id& name_of_trampoline() {
  static const function_id name = id_of(Of);
  return name;
}

/// Compiles when an F can be called in another process; otherwise exactly one of its sentences is the error.
template <class F>
consteval void check_callable() {
  constexpr bool holds = function_pointer<F> || (std::is_empty_v<F> && std::is_default_constructible_v<F>);
  if constexpr (holds)
    return;
  else if constexpr (workit::detail::is_a<F, std::function>)
    static_assert(holds,
                  "workit: a std::function holds addresses of this process; pass the function that it holds, or a "
                  "captureless lambda, and the values as arguments");
  else if constexpr (std::is_member_pointer_v<F>)
    static_assert(
        holds,
        "workit: a member function needs its object, which is in this process; pass a captureless lambda that "
        "takes the object as an argument");
  else if constexpr (!std::is_empty_v<F>)
    static_assert(holds,
                  "workit: a lambda that captures would carry addresses of this process; capture nothing and pass the "
                  "values as arguments");
  else
    static_assert(
        holds, "workit: a function object behind the process boundary is made anew there, by its default constructor");
}

template <class P>
consteval void check_parameter() {
  static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>,
                "workit: the function takes a non-const reference, but the worker would change its own copy; "
                "take the value and return the changed one");
  workit::detail::must_travel<std::decay_t<P>>();
}

template <class P, class A>
void write_argument(wire_writer& to, A&& argument) {
  using value = std::decay_t<P>;
  static_assert(std::is_convertible_v<A&&, value>,
                "workit: an argument does not convert to the parameter of the function");
  if constexpr (std::is_same_v<value, std::remove_cvref_t<A>>) {
    to.write<value>(argument);
  } else {
    const value converted = std::forward<A>(argument);
    to.write<value>(converted);
  }
}

template <class... P, class... A>
void write_arguments(parameter_list<P...>, wire_writer& to, A&&... arguments) {
  (check_parameter<P>(), ...);
  static_assert(sizeof...(P) == sizeof...(A),
                "workit: the number of arguments is not that of the function's parameters");
  if constexpr (sizeof...(P) == sizeof...(A)) (write_argument<P>(to, std::forward<A>(arguments)), ...);
}

/// The type by which `fn` is called: functions as pointers, the rest as it is.
template <class F>
using callable = std::decay_t<F>;

}  // namespace detail

/// What `fn(args...)` gives on the other side: void, or a value even where fn returns a reference.
template <class F, class... A>
using result_of =
    std::conditional_t<std::is_void_v<typename detail::call_shape<detail::callable<F>, A...>::result>, void,
                       std::remove_cvref_t<typename detail::call_shape<detail::callable<F>, A...>::result>>;

/// Packs the call of a function, or of a captureless lambda, with these arguments, converted here to the parameters.
/// Its first parameter may be a `context&`: then it runs by run_in_worker_scope(), which gives it that; or a
/// `worker_context&`, which is this_worker_context(). Blocks: no.
/// Errors: wire_error, and what the arguments' conversion and copies throw; start_failed when the function has no name
/// (see id_of()). What cannot travel does not compile.
template <class F, class... A>
[[nodiscard]] remote_call make_remote_call(F&& fn, A&&... args) {
  using callable = detail::callable<F>;
  detail::check_callable<callable>();
  using shape = detail::call_shape<callable, A...>;
  workit::detail::must_travel<detail::kept<typename shape::result>>();
  wire_writer arguments;
  function_id entry;
  if constexpr (detail::function_pointer<callable>) {
    entry = detail::name_of_trampoline<&detail::call_function<callable>>();
    arguments.write(id_of(reinterpret_cast<any_function>(static_cast<callable>(fn))));
  } else {
    entry = detail::name_of_trampoline<&detail::call_stateless<callable, std::decay_t<A>...>>();
  }
  detail::write_arguments(typename shape::parameters{}, arguments, std::forward<A>(args)...);
  auto beside = arguments.take_attached();
  auto channels = arguments.take_channels();
  return {entry, arguments.take(), std::move(beside), shape::takes == detail::own_context::scope, std::move(channels)};
}

/// Unpacks the result of such a call. Errors: wire_error.
template <class R>
[[nodiscard]] R read_result(const encoded_result& encoded) {
  wire_reader from(encoded.frame, encoded.beside);
  auto value = from.read<detail::kept<R>>();
  from.finish();
  if constexpr (!std::is_void_v<R>) return value;
}

}  // namespace workit::workers
