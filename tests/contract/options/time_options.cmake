# Fails when a public header takes a time (a time_span or a deadline_point) that no test of tests/contract tries with the
# longest and the shortest there are, or takes one that would wrap (a duration).
# Variables: ROOT, the sources; FORGET, a name that counts as not tried, for the control arm.
cmake_minimum_required(VERSION 3.25)

# What layers hand each other, no option of a program: the runtime's own code calls these.
set(inner cancel_cell.hpp timer_fd.hpp time_span.hpp deadline_point.hpp proof.hpp stoppable_thread.hpp warden.hpp
  lease.hpp stop_ladder.hpp processes.hpp)
# What headers say, and do not take.
set(said
  "reason.hpp: at" "snapshot.hpp: deadline" "context.hpp: deadline" "detached_tasks.hpp: until"
  "worker_context.hpp: deadline" "worker_context.hpp: deadline_")
set(said_durations
  "agent_event.hpp: took" "attempt_recorder.hpp: took" "backoff.hpp: apply" "backoff.hpp: d" "backoff.hpp: delay"
  "diagnose.hpp: age" "errors.hpp: limit" "errors.hpp: limit_" "errors.hpp: retry_after" "errors.hpp: retry_after_"
  "event.hpp: bound" "event.hpp: late" "event.hpp: next_delay" "event.hpp: took" "event.hpp: waited"
  "log2_histogram.hpp: largest" "log2_histogram.hpp: largest_" "log2_histogram.hpp: percentile"
  "log2_histogram.hpp: sum" "log2_histogram.hpp: sum_" "pool_status.hpp: longest_wait" "pool_status.hpp: took"
  "reason.hpp: lateness" "sampling.hpp: slow_" "scope_record.hpp: took" "scope_summary.hpp: took" "snapshot.hpp: age"
  "snapshot.hpp: open" "snapshot.hpp: since" "snapshot.hpp: took" "stall_report.hpp: held" "stall_report.hpp: since" "thread_pool.hpp: runs_on"
  "thread_stop.hpp: walk" "worker_errors.hpp: cpu" "worker_errors.hpp: queued" "worker_errors.hpp: ran")

file(GLOB_RECURSE tests ${ROOT}/tests/contract/*_test.cpp)
set(tried)
foreach(test IN LISTS tests)
  file(STRINGS ${test} lines REGEX "\"[a-z0-9_]+\\.hpp: [a-z_ ]+\"")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "\"([a-z0-9_]+\\.hpp: [a-z_ ]+)\"" all "${line}")
    list(APPEND tried "${CMAKE_MATCH_1}")
  endforeach()
endforeach()
if(DEFINED FORGET)
  list(REMOVE_ITEM tried "${FORGET}")
endif()

# Relative, since the folder of a clone has any name: "workit" and "detail" mean something below it only.
file(GLOB_RECURSE headers RELATIVE ${ROOT} ${ROOT}/core/*.hpp ${ROOT}/preempt/*.hpp ${ROOT}/workers/*.hpp)
list(FILTER headers INCLUDE REGEX "/workit/")
list(FILTER headers EXCLUDE REGEX "/detail/")
set(complaints "")
set(takes "backoff.hpp: the function")
foreach(header IN LISTS headers)
  get_filename_component(file ${header} NAME)
  if(file IN_LIST inner)
    continue()
  endif()
  file(READ ${ROOT}/${header} text)
  string(REGEX REPLACE "[];[]" "," text "${text}")  # brackets and semicolons mean something in lists
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX MATCHALL "(time_span|deadline_point)>? +[a-z_]+" found "${text}")
  foreach(one IN LISTS found)
    string(REGEX REPLACE "^.* " "" name "${one}")
    list(APPEND takes "${file}: ${name}")
  endforeach()
  string(REGEX MATCHALL "[^a-z_:]duration>? +[a-z_]+" found "${text}")
  foreach(one IN LISTS found)
    string(REGEX REPLACE "^.* " "" name "${one}")
    if(NOT "${file}: ${name}" IN_LIST said_durations)
      string(APPEND complaints
        "${file}: ${name} is a duration: what a program gives is a time_span; list it here if it is only said\n")
    endif()
  endforeach()
endforeach()
list(REMOVE_ITEM takes ${said})
list(REMOVE_DUPLICATES takes)
foreach(one IN LISTS takes)
  if(NOT one IN_LIST tried)
    string(APPEND complaints "${one} takes a time, and no test tries it\n")
  endif()
endforeach()
foreach(one IN LISTS tried)
  if(NOT one IN_LIST takes)
    string(APPEND complaints "a test tries ${one}, which no header takes\n")
  endif()
endforeach()
if(complaints)
  message(FATAL_ERROR "${complaints}")
endif()
