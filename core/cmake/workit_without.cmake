# workit_without(MECHANISM source...): when WORKIT_TEST_WITHOUT is that mechanism, these sources are compiled without it.
# No header knows of it, so such a build differs in these objects alone. tests/mutations says which tests then fail.

function(workit_without mechanism)
  set_property(GLOBAL APPEND PROPERTY workit_mechanisms ${mechanism})
  if(WORKIT_TEST_WITHOUT STREQUAL mechanism)
    string(TOUPPER ${mechanism} name)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_DEFINITIONS WORKIT_WITHOUT_${name})
  endif()
endfunction()

# Refuses a name that no workit_without() has.
function(workit_check_without)
  get_property(known GLOBAL PROPERTY workit_mechanisms)
  if(NOT WORKIT_TEST_WITHOUT STREQUAL "" AND NOT WORKIT_TEST_WITHOUT IN_LIST known)
    message(FATAL_ERROR "WORKIT_TEST_WITHOUT is \"${WORKIT_TEST_WITHOUT}\"; it may be empty or one of: ${known}")
  endif()
endfunction()
