// SPDX-License-Identifier: Apache-2.0
// An endpoint that runs only what its operator allows: is one of these functions the agent of this
// release? The ledger knows those that were registered from here; of the others the service shows
// the code, which has to be ours, byte for byte.
#include "uploader/transport/agent_source.h"
#include "uploader/transport/globus.h"

#include <string.h>

#define NAMED 3 // functions that a message lists

bool globus_allows(const struct globus *globus, const char *function)
{
	if (!globus->restricted)
		return true;
	for (size_t i = 0; i < globus->allowed.len; i++)
		if (strcmp(globus->allowed.items[i], function) == 0)
			return true;
	return false;
}

// ---- what is said --------------------------------------------------------------------------

// "0.0.9" of "sealift 0.0.9, agent with …", which is what our registrations say. Owned, or NULL.
static char *release_of(const char *description)
{
	static const char start[] = "sealift ";

	if (!description || strncmp(description, start, strlen(start)) != 0)
		return NULL;
	description += strlen(start);
	size_t len = strcspn(description, ", ");
	return len > 0 && len <= 32 ? sl_strndup(description, len) : NULL;
}

// Of the ledger, else of what the service shows. Owned, or NULL; false when the ledger fails.
static bool find_release(struct globus *globus, size_t at, char **out)
{
	if (!ledger_function_release(globus->ledger, globus->service, globus->allowed.items[at],
				     out, &globus->trouble))
		return false;
	if (!*out && at < GLOBUS_LOOKED && globus->looked[at].release)
		*out = sl_text_shown(globus->looked[at].release);
	return true;
}

// "02c… (the agent of release 0.0.9), 5d1…". Owned; NULL when the ledger fails.
static char *name_allowed(struct globus *globus)
{
	sl_auto_buf struct sl_buf text;
	size_t len = globus->allowed.len;

	sl_buf_init(&text, 4096);
	for (size_t i = 0; i < len && i < NAMED; i++) {
		sl_auto_free char *release = NULL;
		sl_auto_free char *shown = sl_text_shown(globus->allowed.items[i]);
		if (!find_release(globus, i, &release))
			return NULL;
		sl_buf_addf(&text, "%s%s", i ? ", " : "", shown);
		if (release)
			sl_buf_addf(&text, " (the agent of release %s)", release);
	}
	if (len > NAMED)
		sl_buf_addf(&text, " and %zu more", len - NAMED);
	if (len == 0)
		sl_buf_adds(&text, "none");
	return sl_buf_steal(&text, NULL);
}

void globus_refuse_restricted(struct globus *globus)
{
	struct sl_error why = {0};
	sl_auto_free char *allowed = name_allowed(globus);

	if (!allowed)
		return;
	if (globus->given_function)
		sl_fail(&why, SL_E_UNTRUSTED,
			"endpoint %s does not allow the function %s, which the builder "
			"configuration names; it allows: %s",
			globus->endpoint, globus->given_function, allowed);
	else
		sl_fail(&why, SL_E_UNTRUSTED,
			"endpoint %s runs only functions that its operator allows, and the agent "
			"of this release (%s) is not known to be one of them; it allows: %s",
			globus->endpoint, SEALIFT_VERSION, allowed);
	globus_give_up(globus, &why,
		       "ask the operator under which id the agent of this release is registered, "
		       "and give it as 'function' in the builder configuration; or use the "
		       "release that is allowed");
}

// ---- looking -------------------------------------------------------------------------------

static bool is_ours(const char *code, enum wire_set set)
{
	sl_auto_buf struct sl_buf ours;
	struct sl_error ignored = {0};

	sl_buf_init(&ours, WIRE_LIMIT_SUBMIT);
	return code &&
	       wire_function(set, "sealift_agent", (const char *)agent_source, agent_source_len,
			     &ours, &ignored) &&
	       strcmp(code, ours.data) == 0;
}

// Every worker reads the universal form; the modern one is for those that were found to read it.
static const char *choose(struct globus *globus)
{
	const enum wire_set sets[] = {globus->set, WIRE_UNIVERSAL};

	for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
		for (size_t i = 0; i < globus->allowed.len && i < GLOBUS_LOOKED; i++) {
			if (!globus->looked[i].ours || globus->looked[i].set != sets[s])
				continue;
			globus->set = sets[s];
			return globus->allowed.items[i];
		}
	}
	return NULL;
}

static void all_looked(struct globus *globus)
{
	const char *id = choose(globus);

	if (!id)
		globus_refuse_restricted(globus);
	else
		globus_keep_function(globus, id);
}

static void function_done(void *context, const json_t *answer,
			  const struct compute_failure *failure)
{
	struct globus_looked *looked = context;
	const char *code = json_string_value(json_object_get(answer, "function_code"));

	if (!failure) {
		looked->release =
			release_of(json_string_value(json_object_get(answer, "description")));
		looked->set = is_ours(code, WIRE_MODERN) ? WIRE_MODERN : WIRE_UNIVERSAL;
		looked->ours = looked->set == WIRE_MODERN || is_ours(code, WIRE_UNIVERSAL);
	}
	if (--looked->globus->asked == 0)
		all_looked(looked->globus);
}

void globus_forget_looked(struct globus *globus)
{
	for (size_t i = 0; i < GLOBUS_LOOKED; i++)
		free(globus->looked[i].release);
	memset(globus->looked, 0, sizeof globus->looked);
}

void globus_look_for_agent(struct globus *globus)
{
	size_t len = globus->allowed.len < GLOBUS_LOOKED ? globus->allowed.len : GLOBUS_LOOKED;

	globus_forget_looked(globus);
	globus->asked = (unsigned)len;
	if (len == 0)
		globus_refuse_restricted(globus);
	for (size_t i = 0; i < len; i++) {
		globus->looked[i].globus = globus;
		compute_show_function(globus->compute, globus->allowed.items[i], function_done,
				      &globus->looked[i]);
	}
}
