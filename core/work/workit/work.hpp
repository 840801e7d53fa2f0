// work(): stages over the items of a source, a few at a time, with retries, limits and hooks.
#pragma once

#include <workit/work/builder.hpp>
#include <workit/work/hooks.hpp>
#include <workit/work/on_error.hpp>
#include <workit/work/stream.hpp>
