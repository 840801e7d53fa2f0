// A file of a program: with a configuration of Asio other than the library's it must not link.
#include <workit/use_fiber.hpp>

int main() {}
