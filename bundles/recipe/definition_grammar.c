// SPDX-License-Identifier: Apache-2.0
// The closed line grammar of recipe 1. specs/recipe.md shows this table to people; a test holds the
// two against each other.
#include "bundles/recipe/definition_grammar.h"

#include <string.h>

#define PIP_FLAGS                                                                                \
	" install ⟦--isolated ⟧--disable-pip-version-check --no-cache-dir --no-compile "     \
	"⟦--ignore-installed ⟧"                                                              \
	"⟦--no-index ⟧⟦--find-links /opt/sealift/wheels ⟧--no-deps --only-binary :all: " \
	"--require-hashes -r /opt/sealift/requirements.txt"
#define PIP_LIST                                           \
	" list --disable-pip-version-check --format json " \
	"--path /opt/venv/lib/python‹minor›/site-packages >/.sealift/installed.json"
#define UV	 "/opt/sealift/uv pip "
#define UV_WHERE "--python /opt/venv/bin/python --no-config --cache-dir /opt/sealift/cache "
#define PYTHON_IS                                                                 \
	"-I -S -c 'import sys; have = sys.implementation.name + \" %d.%d.%d\" % " \
	"sys.version_info[:3]; sys.exit(None if have == \"cpython ‹python›\" else \"sealift: "

static const struct line_rule rules[] = {
	{"files", LINE_ONE, 0, "manifest.json /opt/sealift/meta/manifest.json"},
	{"files", LINE_ONE, 0, "signatures /opt/sealift/meta/signatures"},
	{"files", LINE_MANY, 0, "scripts/post-‹nn›.sh /opt/sealift/meta/scripts/post-‹same›.sh"},
	{"files", LINE_MAYBE, 0, "scripts/runscript.sh /opt/sealift/meta/scripts/runscript.sh"},
	{"files", LINE_MAYBE, 0, "scripts/test.sh /opt/sealift/meta/scripts/test.sh"},
	{"files", LINE_MAYBE, 0, "requirements.txt /opt/sealift/requirements.txt"},
	{"files", LINE_MAYBE, 0, "blobs/sha256/‹hex› /opt/sealift/installer.whl"},
	{"files", LINE_MANY, 0, "blobs/sha256/‹hex› /opt/sealift/wheels/‹wheel›"},
	{"files", LINE_MANY, 1, "files/‹hex› /opt/sealift/files/‹same›"},
	{"files", LINE_MANY, 1, "blobs/sha256/‹hex› /opt/sealift/files/‹same›"},

	{"post", LINE_ONE, 0, "set -eu"},
	{"post", LINE_ONE, 0, "umask 022"},
	{"post", LINE_ONE, 0,
	 "command -v python3 >/dev/null || { echo 'sealift: the base image has no python3, the "
	 "target is cpython ‹python›' >&2; exit 1; }"},
	{"post", LINE_ONE, 0,
	 "python3 " PYTHON_IS
	 "the base image has \" + have + \", the target is cpython ‹python›\")'"},
	{"post", LINE_ONE, 0,
	 "python3 -I -S -c 'import platform, sys; kind, have = platform.libc_ver(); sys.exit(None "
	 "if kind == \"glibc\" and [int(n) for n in have.split(\".\")] >= [‹glibc›] else "
	 "\"sealift: "
	 "the base image has libc \" + (kind + \" \" + have if kind else \"of an unknown kind\") + "
	 "\", the target needs glibc ‹libc› or newer\")'"},
	{"post", LINE_ONE, 0,
	 "python3 -I -S -c 'import os, sys; have = os.uname().machine; sys.exit(None if have == "
	 "\"‹machine›\" else \"sealift: this machine is \" + have + \", the target is ‹same›\")'"},
	{"post", LINE_ONE, 0, "rm -rf /.sealift"},
	{"post", LINE_ONE, 0, "mv /opt/sealift/meta /.sealift"},
	{"post", LINE_ONE, 0,
	 "python3 -I -S -c 'import hashlib; print(\"org.sealift.bundle\", "
	 "hashlib.sha256(open(\"/.sealift/manifest.json\", \"rb\").read()).hexdigest())' "
	 ">>\"${APPTAINER_LABELS:-${SINGULARITY_LABELS:-/dev/null}}\""},
	{"post", LINE_ONE, 0, "export TMPDIR=/opt/sealift/tmp PYTHONDONTWRITEBYTECODE=1"},
	{"post", LINE_ONE, 0, "mkdir -p /opt/sealift/tmp"},
	{"post", LINE_MANY, 1, "mkdir -p '‹folder›'"},
	{"post", LINE_MANY, 1, "cp -T /opt/sealift/files/‹hex› '‹path›'"},
	{"post", LINE_MANY, 1, "chmod ‹mode› '‹path›'"},
	{"post", LINE_MAYBE, 0,
	 "python3 -m venv ⟦--system-site-packages ⟧⟦--without-pip ⟧/opt/venv"},
	{"post", LINE_MAYBE, 0, "/opt/venv/bin/python -m pip" PIP_FLAGS},
	{"post", LINE_MAYBE, 0, "/opt/venv/bin/python /opt/sealift/installer.whl/pip" PIP_FLAGS},
	{"post", LINE_MAYBE, 0,
	 "python3 -I -S -c 'import zipfile; wheel = "
	 "zipfile.ZipFile(\"/opt/sealift/installer.whl\"); "
	 "open(\"/opt/sealift/uv\", \"wb\").write(wheel.read(next(name for name in "
	 "wheel.namelist() if name.endswith(\".data/scripts/uv\"))))'"},
	{"post", LINE_MAYBE, 0, "chmod 0755 /opt/sealift/uv"},
	{"post", LINE_MAYBE, 0,
	 UV "install " UV_WHERE "⟦--no-index ⟧--find-links /opt/sealift/wheels --no-deps "
	    "--only-binary :all: --require-hashes -r /opt/sealift/requirements.txt"},
	{"post", LINE_MAYBE, 0,
	 "/opt/venv/bin/python -m compileall -q -q -j 0 -x '/tests?/' --invalidation-mode "
	 "unchecked-hash /opt/venv/lib/python‹minor›/site-packages || :"},
	{"post", LINE_MAYBE, 0, "export PATH=\"/opt/venv/bin:$PATH\""},
	{"post", LINE_MANY, 0, "⟦unshare -n ⟧sh -eu /.sealift/scripts/post-‹nn›.sh"},
	{"post", LINE_MAYBE, 0, "/opt/venv/bin/python -m pip" PIP_LIST},
	{"post", LINE_MAYBE, 0, "/opt/venv/bin/python /opt/sealift/installer.whl/pip" PIP_LIST},
	{"post", LINE_MAYBE, 0, UV "list " UV_WHERE "--format json >/.sealift/installed.json"},
	{"post", LINE_MAYBE, 0, "echo '[]' >/.sealift/installed.json"},
	{"post", LINE_ONE, 0, "rm -rf /opt/sealift /root/.cache"},
	{"post", LINE_ONE, 0, "chmod -R a+rX /.sealift⟦ /opt/venv⟧"},

	{"environment", LINE_MANY, 0, "export ‹env›=\"‹value›\""},
	{"environment", LINE_ONE, 0, "export PYTHONNOUSERSITE=\"1\""},
	{"environment", LINE_MAYBE, 0, "export PATH=\"/opt/venv/bin:$PATH\""},

	{"runscript", LINE_MAYBE, 0, ". /.sealift/scripts/runscript.sh"},
	{"runscript", LINE_ONE, 0, "[ \"$#\" -gt 0 ] || set -- python3"},
	{"runscript", LINE_ONE, 0, "exec \"$@\""},

	{"test", LINE_ONE, 0, "set -eu"},
	{"test", LINE_ONE, 0, "test -s /.sealift/installed.json"},
	{"test", LINE_ONE, 0,
	 "⟦/opt/venv/bin/⟧python3 " PYTHON_IS "the image has \" + have + \", the plan says cpython "
	 "‹python›\")'"},
	{"test", LINE_MAYBE, 0,
	 "/opt/venv/bin/python3 -I -c 'import globus_compute_endpoint, importlib.metadata, sys; "
	 "have = importlib.metadata.version(\"globus-compute-endpoint\"); sys.exit(None if have == "
	 "\"‹version›\" else \"sealift: the image has globus-compute-endpoint \" + have + \", the "
	 "plan "
	 "says ‹same›\")'"},
	{"test", LINE_MAYBE, 0, "command -v globus-compute-endpoint >/dev/null"},
	{"test", LINE_MAYBE, 0, "⟦unshare -r -n ⟧sh -eu /.sealift/scripts/test.sh"},

	{"labels", LINE_ONE, 0, "org.sealift.name ‹name›"},
	{"labels", LINE_ONE, 0, "org.sealift.version ‹version›"},
	{"labels", LINE_MAYBE, 0, "org.sealift.description ‹line›"},
	{"labels", LINE_MAYBE, 0, "org.sealift.base ‹base›"},
	{"labels", LINE_ONE, 0, "org.sealift.recipe ‹hex›"},
	{"labels", LINE_MANY, 0, "‹label› ‹line›"},

	{"help", LINE_MANY, 0, "‹help›"},
	{NULL, LINE_ONE, 0, NULL},
};

static const char *const sections[] = {"files", "post",	  "environment", "runscript",
				       "test",	"labels", "help",	 NULL};

const struct line_rule *line_rules(void)
{
	return rules;
}

const char *const *line_sections(void)
{
	return sections;
}

bool line_section_needed(const char *section)
{
	return strcmp(section, "help") != 0;
}
