// SPDX-License-Identifier: Apache-2.0
// base: one image to start from, by digest or as a file.
#include "compiler/spec/checker.h"

#include <string.h>

// Where the tag begins: a colon after the last slash. NULL when there is none.
static char *find_tag(char *text)
{
	char *slash = strrchr(text, '/');
	return strchr(slash ? slash : text, ':');
}

static void read_docker(struct checker *checker, const struct node *value)
{
	const char *text = checker_text(checker, value);
	if (!text)
		return;
	sl_auto_free char *reference = sl_strdup(text);
	sl_auto_free char *shown = spec_shown(text);
	if (strchr(text, '@')) {
		checker_problem(checker, value, "write the digest as base.digest",
				"'%s' holds a digest", shown);
		return;
	}
	char *colon = strstr(text, "://") ? NULL : find_tag(reference);
	if (colon)
		*colon = '\0';
	const char *hint = plan_check_reference(reference);
	if (!hint && colon)
		hint = plan_check_tag(colon + 1);
	if (hint) {
		checker_problem(checker, value, hint, "'%s' is not the name of an image", shown);
		return;
	}
	struct plan_base *base = &checker->plan->base;
	base->kind = BASE_DOCKER;
	base->origin = checker_origin(value);
	if (colon)
		base->tag = sl_strdup(colon + 1);
	base->reference = sl_take(reference);
}

static void read_digest(struct checker *checker, const struct node *value)
{
	const char *text = checker_text(checker, value);
	if (!text)
		return;
	bool prefixed = strncmp(text, "sha256:", 7) == 0;
	if (prefixed && sl_digest_parse(text + 7, &checker->plan->base.digest))
		return;
	sl_auto_free char *shown = spec_shown(text);
	checker_problem(checker, value, "'sha256:' and 64 lower-case hexadecimal digits",
			"'%s' is not a digest", shown);
}

static void read_file(struct checker *checker, const struct node *value, enum base_kind kind,
		      enum spec_input_kind content)
{
	char *path = checker_path(checker, value, content);
	struct plan_base *base = &checker->plan->base;
	if (!path || base->file) { // two files: said of the mapping as a whole
		free(path);
		return;
	}
	base->kind = kind;
	base->file = path;
	base->origin = checker_origin(value);
}

static void read_oci_archive(struct checker *checker, const struct node *value)
{
	read_file(checker, value, BASE_OCI_ARCHIVE, INPUT_OCI_ARCHIVE);
}

static void read_docker_archive(struct checker *checker, const struct node *value)
{
	read_file(checker, value, BASE_DOCKER_ARCHIVE, INPUT_DOCKER_ARCHIVE);
}

static void read_localimage(struct checker *checker, const struct node *value)
{
	read_file(checker, value, BASE_LOCALIMAGE, INPUT_SIF);
}

static const struct field base_fields[] = {
	{"docker", read_docker, FIELD_OPTIONAL, NULL},
	{"digest", read_digest, FIELD_OPTIONAL, NULL},
	{"oci-archive", read_oci_archive, FIELD_OPTIONAL, NULL},
	{"docker-archive", read_docker_archive, FIELD_OPTIONAL, NULL},
	{"localimage", read_localimage, FIELD_OPTIONAL, NULL},
	{"oras", NULL, FIELD_LATER, NULL},
	{"library", NULL, FIELD_LATER, NULL},
	{"debootstrap", NULL, FIELD_LATER, NULL},
	{"yum", NULL, FIELD_LATER, NULL},
	{"zypper", NULL, FIELD_LATER, NULL},
	{"arch", NULL, FIELD_LATER, NULL},
	{"busybox", NULL, FIELD_LATER, NULL},
	{"scratch", NULL, FIELD_LATER, NULL},
	FIELD_END,
};

// Every known key but `digest` names an image.
static bool names_image(const char *key)
{
	if (strcmp(key, "digest") == 0)
		return false;
	for (const struct field *field = base_fields; field->name; field++) {
		if (strcmp(field->name, key) == 0)
			return true;
	}
	return false;
}

static void check_one_image(struct checker *checker, const struct node *value)
{
	const struct node *first = NULL;
	sl_list_each (&value->entries, entry) {
		if (!names_image(entry->key->text))
			continue;
		if (first)
			checker_problem(checker, entry->key, "name one",
					"'%s' and '%s': an image has one base", first->text,
					entry->key->text);
		else
			first = entry->key;
	}
	if (!first)
		checker_problem(
			checker, value,
			"one of: docker (with digest), oci-archive, docker-archive, localimage",
			"no base image is named");
}

void section_base(struct checker *checker, const struct node *value)
{
	if (!checker_fields(checker, value, base_fields))
		return;
	check_one_image(checker, value);
	const struct node *docker = node_get(value, "docker");
	const struct node *digest = node_get(value, "digest");
	if (docker && !digest) {
		size_t mark = trail_key(&checker->trail, "digest");
		checker_problem(checker, docker,
				"a tag can change: write digest: \"sha256:...\", as 'docker buildx "
				"imagetools inspect IMAGE' or 'skopeo inspect' print it",
				"this key is missing");
		trail_cut(&checker->trail, mark);
	}
	if (digest && !docker) {
		size_t mark = trail_key(&checker->trail, "digest");
		checker_problem(checker, digest, "leave it out: a file is named by its own digest",
				"only docker takes a digest");
		trail_cut(&checker->trail, mark);
	}
}
