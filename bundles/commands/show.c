// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

char *show_escaped(const char *text)
{
	size_t len = strlen(text);
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, 8 * len + 16);
	sl_text_escape(&out, text, len);
	return sl_buf_steal(&out, NULL);
}

json_t *show_json_string(const char *text)
{
	if (sl_text_is_utf8(text, strlen(text)))
		return json_string(text);
	sl_auto_free char *shown = show_escaped(text);
	return json_string(shown);
}

int show_json(json_t *object, int code)
{
	sl_auto_free char *text =
		json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(object);
	puts(text);
	return sl_finish(code);
}

// ---- keys -----------------------------------------------------------------------------------

json_t *show_key_json(const struct public_key *key)
{
	char base64[57], fingerprint[65], id[17];
	json_t *json = json_object();
	public_key_base64(key, base64);
	public_key_fingerprint(key, fingerprint);
	public_key_id_hex(key, id);
	sl_json_set_string(json, "fingerprint", fingerprint);
	sl_json_set_string(json, "key_id", id);
	sl_json_set_string(json, "public_key", base64);
	return json;
}

void show_key(const struct public_key *key)
{
	char base64[57], fingerprint[65], id[17];
	public_key_base64(key, base64);
	public_key_fingerprint(key, fingerprint);
	public_key_id_hex(key, id);
	printf("public key:  %s\nfingerprint: %s\nkey id:      %s\n", base64, fingerprint, id);
}

// ---- verdicts -------------------------------------------------------------------------------

static json_t *statement_json(const struct statement *statement)
{
	char time[21];
	json_t *json = json_object();
	sl_time_format(statement->time, time);
	sl_json_set_string(json, "role", role_name(statement->role));
	sl_json_set_digest(json, "bundle", &statement->bundle);
	sl_json_set_string(json, "name", statement->name);
	sl_json_set_string(json, "version", statement->version);
	sl_json_set_string(json, "time", time);
	return json;
}

static json_t *signature_json(const struct signature_report *report)
{
	json_t *json = json_object();
	sl_json_set_string(json, "member", report->member);
	sl_json_set_string(json, "verdict", signature_verdict_name(report->verdict));
	sl_json_set_bool(json, "counts", report->counts);
	if (report->key_id[0])
		sl_json_set_string(json, "key_id", report->key_id);
	if (report->key_name) {
		sl_json_set_string(json, "key_name", report->key_name);
		sl_json_set_string(json, "fingerprint", report->fingerprint);
	}
	if (report->has_statement)
		sl_json_set(json, "statement", statement_json(&report->statement));
	if (report->why)
		sl_json_set(json, "why", show_json_string(report->why));
	return json;
}

json_t *show_signatures_json(const struct verdict *verdict)
{
	json_t *array = json_array();
	sl_list_each (&verdict->signatures, report)
		sl_json_append(array, signature_json(report));
	return array;
}

json_t *show_findings_json(const struct verdict *verdict)
{
	json_t *array = json_array();
	for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
		const struct finding *finding = &verdict->findings[rule];
		json_t *json = json_object();
		sl_json_set_string(json, "rule", rule_name(rule));
		sl_json_set_string(json, "verdict", finding_verdict_name(finding->verdict));
		sl_json_set(json, "evidence", show_json_string(finding->evidence));
		if (finding->verdict == FINDING_FAIL)
			sl_json_set_string(json, "kind", sl_kind_name(finding->kind));
		if (finding->remedy)
			sl_json_set(json, "remedy", show_json_string(finding->remedy));
		sl_json_append(array, json);
	}
	return array;
}

static void show_signature(const struct signature_report *report)
{
	char time[21] = "";
	if (report->has_statement)
		sl_time_format(report->statement.time, time);
	printf("  %s: %s", report->member, signature_verdict_name(report->verdict));
	if (report->verdict == SIGNATURE_GOOD)
		printf(", %s by '%s' at %s, key %s", role_name(report->statement.role),
		       report->key_name, time, report->fingerprint);
	else if (report->has_statement)
		printf(", claims to be of %s", time);
	if (report->why)
		printf(": %s", report->why);
	putchar('\n');
}

void show_signatures(const struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report)
		show_signature(report);
}

void show_findings(const struct verdict *verdict)
{
	for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
		const struct finding *finding = &verdict->findings[rule];
		printf("  %-4s  %-10s  %s\n",
		       finding->verdict == FINDING_NONE ? "-"
							: finding_verdict_name(finding->verdict),
		       rule_name(rule), finding->evidence);
		if (finding->remedy)
			printf("        %-10s  -> %s\n", "", finding->remedy);
	}
}
