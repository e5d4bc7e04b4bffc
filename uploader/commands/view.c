// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/view.h"

#include <stdio.h>
#include <string.h>

char *view_name(const struct submission *row)
{
	if (row->name && row->version)
		return sl_format("%s %s", row->name, row->version);
	return sl_text_shown(sl_path_leaf(row->path));
}

// ---- what to do ----------------------------------------------------------------------------

static char *view_advice(const struct submission *row)
{
	long long number = (long long)row->number;

	if (row->state == LEDGER_DONE || row->worker != 0)
		return NULL;
	if (row->state == LEDGER_FAILED || row->state == LEDGER_REFUSED)
		return row->remedy ? sl_format("%s; then 'sealift-upload retry %lld'", row->remedy,
					       number)
				   : sl_format("'sealift-upload retry %lld', or 'sealift-upload "
					       "forget %lld'",
					       number, number);
	return sl_strdup(row->remedy ? row->remedy : "'sealift-upload run' goes on from here");
}

// ---- the table -----------------------------------------------------------------------------

struct widths {
	int number, name, state;
};

static void widen(int *width, size_t len)
{
	if ((int)len > *width)
		*width = (int)len;
}

// Terminal cells, not bytes, would be right for names; names are ASCII, file names nearly always.
static struct widths measure(const struct submission *const *rows, size_t len)
{
	struct widths widths = {1, 6, 5};

	for (size_t i = 0; i < len; i++) {
		sl_auto_free char *name = view_name(rows[i]);
		sl_auto_free char *number = sl_format("%lld", (long long)rows[i]->number);
		widen(&widths.number, strlen(number));
		widen(&widths.name, strlen(name));
		widen(&widths.state, strlen(ledger_state_name(rows[i]->state)));
	}
	return widths;
}

static void add_note(struct sl_buf *out, const struct widths *widths, const char *text)
{
	if (text)
		sl_buf_addf(out, "%*s  %s\n", widths->number, "", text);
}

// ---- the runner ----------------------------------------------------------------------------

static bool has_verdict(const json_t *finding, const char *verdict)
{
	const char *word = json_string_value(json_object_get(finding, "verdict"));

	return word && strcmp(word, verdict) == 0;
}

// The sentences with one verdict. False: there are none.
static bool add_sentences(struct sl_buf *out, const json_t *findings, const char *verdict)
{
	const json_t *finding;
	bool any = false;
	size_t i;

	json_array_foreach (findings, i, finding) {
		const char *sentence = json_string_value(json_object_get(finding, "sentence"));
		if (!sentence || !has_verdict(finding, verdict))
			continue;
		sl_buf_adds(out, "; ");
		sl_text_tame(out, sentence);
		any = true;
	}
	return any;
}

// What it said of the image, and how its endpoint compares: what is missing there, or what nobody
// can say, or that all fits. Owned; NULL where nobody was asked.
static char *view_runner(const struct submission *row)
{
	struct sl_error ignored = {0};
	sl_auto_buf struct sl_buf text = {0};

	if (!row->runner_sees || strcmp(row->runner, "local") == 0)
		return NULL;
	sl_buf_init(&text, 64 * SL_KIB);
	if (strcmp(row->runner_sees, "yes") == 0)
		sl_buf_adds(&text, "sees the image as the receipt has it");
	else
		sl_text_tame(&text, row->runner_sees);
	sl_auto_json json_t *findings =
		row->runner_findings ? sl_json_load(row->runner_findings,
						    strlen(row->runner_findings), "", &ignored)
				     : NULL;
	if (!add_sentences(&text, findings, "lacks") &&
	    !add_sentences(&text, findings, "not-checked"))
		add_sentences(&text, findings, "fits");
	return sl_buf_steal(&text, NULL);
}

static void add_row(struct sl_buf *out, const struct widths *widths, const struct submission *row)
{
	sl_auto_free char *name = view_name(row);
	sl_auto_free char *advice = view_advice(row);
	char changed[21];

	sl_time_format(row->changed, changed);
	sl_buf_addf(out, "%*lld  %-*s  %-*s  %s  %s", widths->number, (long long)row->number,
		    widths->name, name, widths->state, ledger_state_name(row->state), changed,
		    row->builder);
	if (row->worker != 0)
		sl_buf_addf(out, "  (process %lld works on it)", (long long)row->worker);
	sl_buf_addc(out, '\n');
	sl_auto_free char *runner = row->state == LEDGER_DONE ? view_runner(row) : NULL;
	add_note(out, widths, row->registration);
	if (runner)
		sl_buf_addf(out, "%*s  runner: %s\n", widths->number, "", runner);
	add_note(out, widths, row->reason);
	add_note(out, widths, advice);
}

void view_table(struct sl_buf *out, const struct submission *const *rows, size_t len)
{
	struct widths widths = measure(rows, len);

	sl_buf_addf(out, "%*s  %-*s  %-*s  %-20s  %s\n", widths.number, "#", widths.name, "BUNDLE",
		    widths.state, "STATE", "CHANGED", "BUILDER");
	for (size_t i = 0; i < len; i++)
		add_row(out, &widths, rows[i]);
}

// ---- a receipt -----------------------------------------------------------------------------

static void add_field(struct sl_buf *out, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	sl_auto_free char *shown = sl_text_shown(text);
	sl_buf_addf(out, "  %-14s%s\n", label, shown);
}

static void add_image(struct sl_buf *out, const json_t *image)
{
	json_int_t bytes = json_integer_value(json_object_get(image, "size"));
	char size[16];

	add_field(out, "image", json_string_value(json_object_get(image, "path")));
	add_field(out, "sha256", json_string_value(json_object_get(image, "sha256")));
	if (bytes > 0) {
		sl_size_format((uint64_t)bytes, size);
		add_field(out, "size", size);
	}
}

static const char *text_at(const json_t *receipt, const char *key, const char *inner)
{
	const json_t *value = json_object_get(receipt, key);

	return json_string_value(inner ? json_object_get(value, inner) : value);
}

void view_receipt(struct sl_buf *out, const struct submission *row)
{
	struct sl_error ignored = {0};
	const char *text = row->receipt ? row->receipt : "{}";
	sl_auto_json json_t *receipt = sl_json_load(text, strlen(text), "receipt", &ignored);
	sl_auto_free char *name = view_name(row);
	char bundle[SL_DIGEST_HEX + 1];

	sl_digest_hex(&row->bundle, bundle);
	sl_buf_addf(out, "%s is built and registered\n", name);
	add_field(out, "bundle", bundle);
	add_image(out, json_object_get(receipt, "image"));
	const json_t *built = json_object_get(json_object_get(receipt, "shipped"), "built");
	add_field(out, "built on", text_at(built ? built : receipt, "host", NULL));
	add_field(out, "built by", text_at(built ? built : receipt, "builder", "version"));
	if (built)
		add_field(out, "shipped to", text_at(receipt, "host", NULL));
	add_field(out, "enforcement", text_at(receipt, "enforcement", NULL));
	sl_auto_free char *runner = view_runner(row);
	if (runner)
		sl_buf_addf(out, "  %-14s%s\n", "runner", runner);
	add_field(out, "container",
		  row->container	   ? row->container
		  : row->container_service ? "none: the service refused, as the registration says"
					   : NULL);
	add_field(out, "registration", row->registration);
}

// ---- JSON ----------------------------------------------------------------------------------

json_t *view_json(const struct submission *const *rows, size_t len)
{
	json_t *value = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++)
		sl_json_append(list, submission_to_json(rows[i]));
	sl_json_set_uint(value, "sealift_submissions", 1);
	sl_json_set(value, "submissions", list);
	return value;
}

char *view_json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);

	return text ? text : sl_strdup("null");
}
