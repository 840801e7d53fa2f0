#!/usr/bin/env escript
%% Measures exit(Pid, kill) of a process that spins in bytecode, and prints the round: main.escript erlang SAMPLES SECONDS.
-mode(compile).

-define(WARM_UP, 20).
-define(STILL_FOR_MS, 50).
-define(LOOKS, 10).
-define(LOOK_NS, 5000000).
-define(GLANCE_NS, 20000).  % shorter than two switches of context

main(["erlang", Samples, Seconds]) ->
    Began = calendar:system_time_to_rfc3339(erlang:system_time(second), [{offset, "Z"}]),
    Until = now_ns() + list_to_integer(Seconds) * 1000000000,
    RoundTrips = lists:nthtail(?WARM_UP, [round_trip() || _ <- lists:seq(1, ?WARM_UP + 5 * list_to_integer(Samples))]),
    {Stops, Notes} = stops(list_to_integer(Samples), Until, []),
    {Resumed, Last, Next} = lists:unzip3(Stops),
    Series = [{"caller_resumed", Resumed}, {"last_instruction", Last}, {"next_task", Next}, {"round_trip", RoundTrips}],
    io:format("{\"format\": \"workit-bench/1\", \"machine\": {\"began\": \"~s\"},~n \"series\": [~s],~n \"notes\": [~s],~n"
              " \"skipped\": []}~n",
              [Began, lists:join(",\n", [series(Event, Taken) || {Event, Taken} <- Series, Taken =/= []]), Notes]);
main(Got) ->
    io:format(standard_error, "main.escript got '~s'; allowed: erlang SAMPLES SECONDS~n", [lists:join(" ", Got)]),
    halt(2).

%% The scheduler's clock follows CLOCK_MONOTONIC; only differences are used.
now_ns() -> erlang:monotonic_time(nanosecond).

spin(Stamp) ->
    atomics:put(Stamp, 1, now_ns()),
    spin(Stamp).

stops(0, _, Stops) -> {lists:reverse(Stops), ""};
stops(Samples, Until, Stops) ->
    case now_ns() < Until andalso one_stop() of
        false -> {lists:reverse(Stops), ""};
        still_running ->
            {lists:reverse(Stops), "{\"name\": \"peer/erlang\", \"what\": \"a victim still ran 1 s after the request\"}"};
        not_running -> stops(Samples, Until, Stops);
        Stop -> stops(Samples - 1, Until, [Stop | Stops])
    end.

%% One stop: its events in nanoseconds from the request, or not_running when the victim did not run at the request.
one_stop() ->
    Stamp = atomics:new(1, []),
    {Victim, Monitor} = spawn_monitor(fun() -> spin(Stamp) end),
    timer:sleep(5),
    running(Stamp, ?LOOKS),
    Requested = now_ns(),
    exit(Victim, kill),
    receive {'DOWN', Monitor, process, Victim, killed} -> ok end,
    Resumed = now_ns(),
    42 = trivial(41),
    Next = now_ns(),
    case last(Stamp, Requested + 1000000000) of
        undefined -> still_running;
        Last when Last < Requested -> not_running;
        Last -> {Resumed - Requested, Last - Requested, Next - Requested}
    end.

trivial(N) ->
    Self = self(),
    spawn(fun() -> Self ! {result, N + 1} end),
    receive {result, Result} -> Result end.

round_trip() ->
    Began = now_ns(),
    42 = trivial(41),
    now_ns() - Began.

%% Returns when the victim has stamped while this process was looking, without a pause in which the two could have taken
%% turns. Looks for 5 ms without sleeping, for schedulers share out processes that want to run; on a busy machine it gives
%% up after some such looks.
running(_, 0) -> ok;
running(Stamp, Looks) -> look(Stamp, now_ns() + ?LOOK_NS) orelse begin timer:sleep(1), running(Stamp, Looks - 1) end.

look(Stamp, End) -> glance(Stamp, now_ns()) orelse (now_ns() < End andalso look(Stamp, End)).

glance(Stamp, Began) ->
    Seen = atomics:get(Stamp, 1) >= Began,
    case now_ns() - Began < ?GLANCE_NS of
        true -> Seen orelse glance(Stamp, Began);
        false -> false
    end.

%% The last stamp, once it has stood still for a while; undefined when the victim still runs at GiveUp.
last(Stamp, GiveUp) ->
    Before = atomics:get(Stamp, 1),
    timer:sleep(?STILL_FOR_MS),
    case atomics:get(Stamp, 1) of
        Before -> Before;
        _ ->
            case now_ns() < GiveUp of
                true -> last(Stamp, GiveUp);
                false -> undefined
            end
    end.

series(Event, Taken) ->
    io_lib:format("{\"name\": \"peer/erlang/~s\", \"unit\": \"us\", \"tags\": {\"subject\": \"peer\", "
                  "\"peer\": \"Erlang exit(Pid, kill)\", \"event\": \"~s\", \"stops\": \"bytecode\", \"memory_mib\": \"0\", "
                  "\"version\": \"Erlang/OTP ~s\"},~n  \"samples\": [~s]}",
                  [Event, Event, erlang:system_info(otp_release),
                   lists:join(", ", [io_lib:format("~.3f", [Ns / 1000]) || Ns <- Taken])]).
