// A library that the loader has to find for a host: see surrounded_host_main.cpp.
int from_a_library();
int from_a_library() { return 5; }
