// asio_configuration: the symbol of the library's own configuration.
#include <workit/fiber/detail/asio_configuration.hpp>

extern "C" const char WORKIT_ASIO_CONFIGURATION = 0;
