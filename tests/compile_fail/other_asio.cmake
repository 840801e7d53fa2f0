# Links SOURCE with LIBRARY, the file that says how the library is configured: once as the library is, and once with a
# macro of Asio's, which the linker has to refuse with a name that says so. Variables: COMPILER, INCLUDES (separated by |),
# SOURCE, LIBRARY, FOLDER (for what is made).
string(REPLACE "|" ";" directories "${INCLUDES}")
list(TRANSFORM directories PREPEND "-I")
file(MAKE_DIRECTORY ${FOLDER})
function(link result said)
  execute_process(
    COMMAND ${COMPILER} -std=c++20 -O1 -ffunction-sections -fdata-sections -Wl,--gc-sections ${directories} ${ARGN} -c ${SOURCE}
      -o ${FOLDER}/program.o
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${COMPILER} -std=c++20 ${directories} -c ${LIBRARY} -o ${FOLDER}/library.o COMMAND_ERROR_IS_FATAL ANY)
  execute_process(
    COMMAND ${COMPILER} -Wl,--gc-sections ${FOLDER}/program.o ${FOLDER}/library.o -o ${FOLDER}/program
    RESULT_VARIABLE ended OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} ${ended} PARENT_SCOPE)
  set(${said} "${text}" PARENT_SCOPE)
endfunction()

link(ended said)
if(said MATCHES "workit_is_built_with_asio")
  message(FATAL_ERROR "the control: with one configuration the linker has nothing to say of it, but said\n${said}")
endif()
link(ended said -DBOOST_ASIO_ENABLE_HANDLER_TRACKING)
if(ended EQUAL 0 OR NOT said MATCHES "workit_is_built_with_asio_[0-9]+_tracking")
  message(FATAL_ERROR "the linker did not name the configuration; it said\n${said}")
endif()
