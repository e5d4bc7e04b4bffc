// SPDX-License-Identifier: Apache-2.0
// The plan: what a spec asks for, checked and with every default filled in. A value: it holds no
// path of this machine, no clock, and the same spec gives the same plan. specs/plan.md is the law.
#ifndef SL_RECIPE_PLAN_H
#define SL_RECIPE_PLAN_H

#include "bundles/base/base.h"

#define RECIPE_NUMBER 1

enum base_kind { BASE_DOCKER, BASE_OCI_ARCHIVE, BASE_DOCKER_ARCHIVE, BASE_LOCALIMAGE };
enum pip_env { PIP_ENV_VENV, PIP_ENV_BASE };
enum pip_installer { PIP_INSTALLER_AUTO, PIP_INSTALLER_PIP, PIP_INSTALLER_UV };
enum script_network { SCRIPT_NETWORK_ANY, SCRIPT_NETWORK_NONE };

// Where in the spec something was said: for messages of later steps only, never in plan.json.
struct plan_origin {
	unsigned line, column; // 0 = not known
};

struct plan_base {
	enum base_kind kind;
	char *reference;	 // docker: "docker.io/library/python", no tag, no digest; else NULL
	char *tag;		 // docker: for people only; may be NULL
	struct sl_digest digest; // docker: of the manifest or index
	char *file; // archives and localimage: plain path relative to the spec; else NULL
	struct plan_origin origin;
};

struct plan_target {
	char *python;	// "3.11.2": always three parts
	char *platform; // "linux/x86_64" or "linux/aarch64"
	char *glibc;	// "2.36"
};

struct plan_file {
	char *from;    // plain path relative to the spec
	char *to;      // absolute path in the image, plain components
	unsigned mode; // 0644 unless the spec says otherwise; only rwx bits
	struct plan_origin origin;
};

struct plan_pair {
	char *name, *value;
};

struct plan_script {
	char *run; // shell text as written, ends with a newline
	enum script_network network;
};

struct plan {
	char *name, *version, *description; // description may be ""
	struct plan_base base;
	struct plan_target target;
	bool has_pip;
	struct sl_strings requirements; // pip.requirements: PEP 508 texts as written
	char *pip_lock;			// pip.lock: requirements file relative to the spec, or NULL
	struct sl_strings wheelhouses;	// pip.wheelhouse: folders relative to the spec
	enum pip_env pip_env;
	enum pip_installer installer;
	SL_LIST(struct plan_file) files;  // sorted by `to`
	SL_LIST(struct plan_pair) env;	  // sorted by name
	SL_LIST(struct plan_pair) labels; // sorted by name
	SL_LIST(struct plan_script) post;
	SL_LIST(struct plan_script) test; // none or one
	char *runscript;		  // NULL = none
	char *help;			  // NULL = none
	char *worker_version;	   // of globus-compute-endpoint; NULL only with "worker: none"
	unsigned timeout;	   // build.timeout, seconds
	struct sl_strings options; // build.options: from a fixed list (specs/spec.md)
	struct plan_origin pip_origin, worker_origin;
};

struct plan *plan_new(void);
void plan_free(struct plan *plan); // NULL is fine
#define auto_plan __attribute__((cleanup(plan_cleanup)))
static inline void plan_cleanup(struct plan **plan)
{
	plan_free(*plan);
}

// plan.json. Reading refuses (SL_E_FORMAT) whatever plan_to_json cannot write: unknown keys, wrong
// order, names out of grammar, so that a plan from a foreign bundle is as safe as one of our own.
json_t *plan_to_json(const struct plan *plan);				     // owned
struct plan *plan_from_json(json_t *json, struct sl_error *err) SL_MUST_USE; // NULL on failure

// The rules on values that spec checker and plan reader share. Each returns NULL when the value is
// good, else a static sentence that says what would be right.
const char *plan_check_env_name(const char *name);
const char *plan_check_env_value(const char *value);
const char *plan_check_label_name(const char *name);
const char *plan_check_label_value(const char *value);
const char *plan_check_image_path(const char *path); // files[].to
const char *plan_check_script(const char *text);
const char *plan_check_help(const char *text);
const char *plan_check_description(const char *text);
const char *plan_check_reference(const char *reference); // base.docker without tag and digest
const char *plan_check_tag(const char *tag);		 // base.docker's tag
const char *plan_check_build_option(const char *option);
const char *const *plan_build_options(void); // all that are allowed, sorted, NULL-terminated
const char *plan_check_python(const char *version);
const char *plan_check_glibc(const char *version);
const char *plan_check_platform(const char *platform);

// Words of the enums, as in spec and plan.json; -1 / NULL when unknown.
const char *base_kind_name(enum base_kind kind);
bool base_kind_parse(const char *word, enum base_kind *out) SL_MUST_USE;

#endif
