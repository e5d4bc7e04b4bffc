// SPDX-License-Identifier: Apache-2.0
// The states of a submission and the steps between them. specs/ledger.md draws them.
//
// 1. A state names what is certain, not what is hoped: "building" means that the builder has
//    accepted the build, "shipping" that the receipt of a build elsewhere is in the ledger, "built"
//    that the builder's is.
// 2. Whatever is between two states may have happened or not, and is therefore something that can
// be
//    done twice: delivering objects, asking for a build that already runs, writing a registration.
// 3. Only people lead out of a final state: `retry` where it failed or was refused, `push` from
// all.
#include "uploader/ledger/private.h"

#include <string.h>

#define TO(state) (1U << (state))
#define ENDS	  (TO(LEDGER_FAILED) | TO(LEDGER_REFUSED))

static const struct {
	const char *name;
	unsigned next; // set of states
} states[] = {
	[LEDGER_QUEUED] = {"queued", TO(LEDGER_DELIVERING) | ENDS},
	[LEDGER_DELIVERING] = {"delivering", TO(LEDGER_BUILDING) | ENDS},
	// Back to delivering: the builder has lost the build or an object of it.
	[LEDGER_BUILDING] = {"building",
			     TO(LEDGER_BUILT) | TO(LEDGER_SHIPPING) | TO(LEDGER_DELIVERING) | ENDS},
	// Back to delivering: the image has gone away where it was built.
	[LEDGER_SHIPPING] = {"shipping", TO(LEDGER_BUILT) | TO(LEDGER_DELIVERING) | ENDS},
	[LEDGER_BUILT] = {"built", TO(LEDGER_REGISTERING) | ENDS},
	[LEDGER_REGISTERING] = {"registering", TO(LEDGER_DONE) | ENDS},
	[LEDGER_DONE] = {"done", 0},
	[LEDGER_FAILED] = {"failed", TO(LEDGER_QUEUED)},
	[LEDGER_REFUSED] = {"refused", TO(LEDGER_QUEUED)},
};

#define STATES (sizeof states / sizeof *states)

const char *ledger_state_name(enum ledger_state state)
{
	return states[state].name;
}

bool ledger_state_is_final(enum ledger_state state)
{
	return state == LEDGER_DONE || state == LEDGER_FAILED || state == LEDGER_REFUSED;
}

bool ledger_state_parse(const char *word, enum ledger_state *out)
{
	for (size_t i = 0; word && i < STATES; i++)
		if (strcmp(states[i].name, word) == 0) {
			*out = (enum ledger_state)i;
			return true;
		}
	return false;
}

bool ledger_step_is_legal(enum ledger_state from, enum ledger_state to)
{
	return (states[from].next & TO(to)) != 0;
}

enum sl_kind ledger_kind_parse(const char *word)
{
	for (int kind = SL_E_ANSWER; word && kind <= SL_E_INTERNAL; kind++)
		if (strcmp(sl_kind_name((enum sl_kind)kind), word) == 0)
			return (enum sl_kind)kind;
	return SL_E_NONE;
}
