// SPDX-License-Identifier: Apache-2.0
// sealift key new: a key pair, and on the first use a policy that trusts it to prepare.
#include "bundles/commands/commands.h"
#include "bundles/commands/password.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct key_new_options {
	const char *output, *password_file;
	bool no_password, json;
};

static const struct sl_option options[] = {
	{"output", 'o', SL_OPT_STRING, offsetof(struct key_new_options, output), "NAME",
	 "write NAME.key and NAME.pub (default: sealift in the configuration folder)"},
	{"no-password", 0, SL_OPT_FLAG, offsetof(struct key_new_options, no_password), NULL,
	 "do not protect the secret key with a password"},
	{"password-file", 0, SL_OPT_STRING, offsetof(struct key_new_options, password_file), "FILE",
	 "take the password from the first line of FILE"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct key_new_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

// NAME, and the folder of the default one exists.
static bool choose_name(const char *wanted, char **name_out, struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	if (wanted) {
		*name_out = sl_strdup(wanted);
		return *sl_path_leaf(wanted) ||
		       sl_fail(err, SL_E_USAGE, "--output names a folder, not a key");
	}
	if (!key_default_path(&path, err))
		return false;
	sl_auto_free char *folder = sl_path_dir(path);
	*name_out = sl_strndup(path, strlen(path) - strlen(".key"));
	return sl_make_dirs(folder, 0700, err);
}

// Said before anybody types a password for nothing.
static bool check_free(const char *name, struct sl_error *err)
{
	static const char *const endings[] = {".key", ".pub"};
	for (size_t i = 0; i < 2; i++) {
		sl_auto_free char *path = sl_format("%s%s", name, endings[i]);
		sl_auto_free char *shown = sl_text_shown(path);
		if (access(path, F_OK) == 0)
			return sl_fail(err, SL_E_IO,
				       "'%s' exists already and is not overwritten: choose another "
				       "name with -o",
				       shown);
	}
	return true;
}

static bool make_key(const struct key_new_options *chosen, const char *name,
		     struct public_key *public_out, struct sl_error *err)
{
	char *password = NULL;
	if (!chosen->no_password) {
		if (!password_read(chosen->password_file, "password for the new key", true,
				   &password, err))
			return false;
		sl_note("protecting the key (takes 1 GiB of memory for a moment)");
	}
	bool ok = key_generate(name, password, public_out, err);
	password_free(password);
	return ok;
}

// The person's own policy, when there is none yet. `*made_out` says whether it was made.
static bool make_policy(const char *path, const char *name, const struct public_key *key,
			bool *made_out, struct sl_error *err)
{
	auto_policy struct policy policy = {0};
	const char *leaf = sl_path_leaf(name);
	sl_auto_free char *label = sl_strdup(policy_check_name(leaf) ? "own" : leaf);
	struct policy_key entry = {.name = label, .key = *key, .may_prepare = true};
	*made_out = access(path, F_OK) != 0 && errno == ENOENT;
	return !*made_out || (policy_add(&policy, &entry, err) &&
			      policy_file_store(path, &policy, SL_OUTPUT_NEW, err));
}

// All of it or nothing: a key that nobody has used yet is no loss.
static bool make_both(const struct key_new_options *chosen, const char *name, const char *policy,
		      struct public_key *key, bool *made_out, struct sl_error *err)
{
	if (!make_key(chosen, name, key, err))
		return false;
	if (make_policy(policy, name, key, made_out, err))
		return true;
	sl_auto_free char *secret = sl_format("%s.key", name), *public = sl_format("%s.pub", name);
	unlink(secret);
	unlink(public);
	return false;
}

static int report(const struct key_new_options *chosen, const char *name, const char *policy,
		  bool made, const struct public_key *key)
{
	sl_auto_free char *secret = sl_format("%s.key", name), *public = sl_format("%s.pub", name);
	if (chosen->json) {
		json_t *json = show_key_json(key);
		sl_json_set_uint(json, "sealift_key", 1);
		sl_json_set(json, "secret_key_file", show_json_string(secret));
		sl_json_set(json, "public_key_file", show_json_string(public));
		sl_json_set(json, "policy_file", show_json_string(policy));
		sl_json_set_bool(json, "policy_made", made);
		return show_json(json, 0);
	}
	sl_auto_free char *shown_secret = show_escaped(secret);
	sl_auto_free char *shown_public = show_escaped(public);
	sl_auto_free char *shown_policy = show_escaped(policy);
	printf("secret file: %s (keep it to yourself)\npublic file: %s\n", shown_secret,
	       shown_public);
	show_key(key);
	if (made)
		printf("policy:      %s made; it trusts this key to prepare bundles\n",
		       shown_policy);
	else
		printf("policy:      %s is as it was; `sealift trust add %s` would trust this "
		       "key\n",
		       shown_policy, shown_public);
	return sl_finish(0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	(void)operands;
	const struct key_new_options *chosen = values;
	struct sl_error err = {0};
	struct public_key key;
	sl_auto_free char *name = NULL, *policy = NULL;
	bool made = false;
	if (chosen->no_password && chosen->password_file)
		sl_fail(&err, SL_E_USAGE,
			"--no-password and --password-file contradict each other");
	else if (policy_default_path(&policy, &err) && choose_name(chosen->output, &name, &err) &&
		 check_free(name, &err) && make_both(chosen, name, policy, &key, &made, &err))
		return report(chosen, name, policy, made, &key);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_key_new = {
	.name = "key new",
	.operands = "",
	.summary = "make a key pair for signing",
	.description =
		"Writes NAME.key (secret, mode 0600) and NAME.pub in minisign's format; existing "
		"files are never\noverwritten. Asks for a password twice on the terminal unless "
		"an option says otherwise; protecting a key\nand unlocking it take 1 GiB of "
		"memory for a moment. When there is no policy.json in the configuration\nfolder "
		"yet, one is made that trusts the new key to prepare bundles.",
	.options = options,
	.size = sizeof(struct key_new_options),
	.max_operands = 0,
	.run = run,
};
