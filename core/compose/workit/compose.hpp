// compose: all composables: functions that take task functions and return one.
#pragma once

#include <workit/compose/all.hpp>
#include <workit/compose/all_settled.hpp>
#include <workit/compose/any.hpp>
#include <workit/compose/background.hpp>
#include <workit/compose/bracket.hpp>
#include <workit/compose/circuit_breaker.hpp>
#include <workit/compose/deadline_at.hpp>
#include <workit/compose/detached.hpp>
#include <workit/compose/fallback.hpp>
#include <workit/compose/hedge.hpp>
#include <workit/compose/pool.hpp>
#include <workit/compose/race.hpp>
#include <workit/compose/retry.hpp>
#include <workit/compose/series.hpp>
#include <workit/compose/supervise.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/compose/uncancellable.hpp>
