// SPDX-License-Identifier: Apache-2.0
// Where each text, flag and list of a host stands: in the struct, in the site file, and in the
// agent's answer. One table for writing, reading and hearing.
#ifndef SL_UPLOADER_SITE_PRIVATE_H
#define SL_UPLOADER_SITE_PRIVATE_H

#include "uploader/site/site.h"

#include <stddef.h>

struct site_field {
	const char *key;	   // in the site file
	size_t offset;		   // in struct site_host
	const char *outer, *inner; // in the agent's answer; outer NULL: at its top
};

// Each ends with a NULL key.
extern const struct site_field site_texts[], site_flags[], site_lists[];

char **site_text_at(struct site_host *host, const struct site_field *field);
bool *site_flag_at(struct site_host *host, const struct site_field *field);
struct sl_strings *site_list_at(struct site_host *host, const struct site_field *field);

// Whether a text may stand in a site file: within the limit and without control characters.
bool site_text_is_good(const char *text);

// All texts "".
void site_host_init(struct site_host *host);
void site_endpoint_init(struct site_endpoint *endpoint);
void site_host_release(struct site_host *host);
void site_endpoint_release(struct site_endpoint *endpoint);

#endif
