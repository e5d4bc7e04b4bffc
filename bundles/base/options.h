// SPDX-License-Identifier: Apache-2.0
// Commands and their options: one table per command drives getopt_long, --help and the tests that
// hold the man pages against it.
#ifndef SL_BASE_OPTIONS_H
#define SL_BASE_OPTIONS_H

#include "bundles/base/error.h"

enum sl_option_type {
	SL_OPT_FLAG,   // bool
	SL_OPT_STRING, // const char *
	SL_OPT_LIST,   // struct sl_words; may be repeated
	SL_OPT_NUMBER, // int64_t, 0 or more
};

// Borrowed argv pointers.
struct sl_words {
	const char **items;
	size_t len, cap;
};

struct sl_option {
	const char *name; // long name without dashes
	char letter;	  // 0 = none
	enum sl_option_type type;
	size_t offset;	  // of the field in the command's own options struct
	const char *arg;  // "FILE", "DIR"; NULL for flags
	const char *help; // one line, lower case, no full stop
};

#define SL_OPTION_END                               \
	{                                           \
		NULL, 0, SL_OPT_FLAG, 0, NULL, NULL \
	}

struct sl_command {
	const char *name;		 // "compile", or "key new" for a command of two words
	const char *operands;		 // "SPEC", "BUNDLE...", ""
	const char *summary;		 // one line for the list
	const char *description;	 // paragraphs for --help; may be NULL
	const struct sl_option *options; // ends with SL_OPTION_END; may be NULL
	size_t size;			 // of the options struct
	int min_operands, max_operands;	 // -1 = any number
	// Returns the process exit code. Reports its own errors (sl_complain).
	int (*run)(const void *options, int argc, char **operands);
};

struct sl_program {
	const char *name, *version, *summary;
	const struct sl_command *const *commands; // NULL-terminated, in the order of --help
};

// The whole of main(): finds the command, parses its options (an option given twice, an unknown or
// ambiguous one, a wrong number of operands are usage errors, exit 2), answers --help and
// --version. The global options -q/--quiet and -v/--verbose may stand before the command.
int sl_program_main(const struct sl_program *program, int argc, char **argv);

// "program: cannot write to stdout" is an error, too: call at the end of each command that prints.
// Returns `code`, or 5 after complaining if stdout could not be flushed.
int sl_finish(int code);

#endif
