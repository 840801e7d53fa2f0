# Fails unless PAGE contains EXAMPLE, word for word, as a block of C++.
file(READ ${PAGE} page)
file(READ ${EXAMPLE} example)
string(FIND "${page}" "```cpp\n${example}```" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${PAGE} does not show ${EXAMPLE} as it is: copy it into a block of C++.")
endif()
