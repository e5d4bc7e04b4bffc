// SPDX-License-Identifier: Apache-2.0
// Commands and their options: one table per command drives getopt_long, --help and the tests that
// hold the man pages against it.
#ifndef SL_BASE_OPTIONS_H
#define SL_BASE_OPTIONS_H

#include "bundles/base/sandbox.h"

enum sl_option_type {
	SL_OPT_FLAG,   // bool
	SL_OPT_STRING, // const char *
	SL_OPT_LIST,   // struct sl_words; may be repeated
	SL_OPT_NUMBER, // int64_t, 0 or more
	// Paths, so that a command can be confined to those that it was given (sl_command.reach):
	SL_OPT_PATH_IN,	  // const char *: a file or a folder that is read
	SL_OPT_PATHS_IN,  // struct sl_words of them; may be repeated
	SL_OPT_POLICY_IN, // const char *: a file, read with the folder `signatures` beside it
	SL_OPT_PATH_OUT,  // const char *: what is made, so its folder is written
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

// What `run` can open, when it is confined (sandbox.h): the paths of options, those operands that
// are paths, and:
enum sl_reach_flags {
	SL_REACH_NAMED = 1 << 0,    // nothing else; every confined command has this one
	SL_REACH_CONFIG = 1 << 1,   // the program's `config` names in the configuration folder
	SL_REACH_STATE = 1 << 2,    // the state folder, which is made: read and written
	SL_REACH_BESIDE = 1 << 3,   // the folder that the first operand lies in
	SL_REACH_TERMINAL = 1 << 4, // the terminal, to ask for a password
};

struct sl_command {
	const char *name;		 // "compile", or "key new" for a command of two words
	const char *operands;		 // "SPEC", "BUNDLE...", ""
	const char *summary;		 // one line for the list
	const char *description;	 // paragraphs for --help; may be NULL
	const struct sl_option *options; // ends with SL_OPTION_END; may be NULL
	size_t size;			 // of the options struct
	int min_operands, max_operands;	 // -1 = any number
	unsigned reach;			 // SL_REACH_*; 0 = any path
	int path_operands;		 // how many of them are paths that are read; -1 = all
	// Before the process is confined, so it must not look at input: starts what has to be
	// outside, and leaves what belongs to it in fields of its own of the options struct. May be
	// NULL. On false `run` does not come.
	bool (*before)(void *options, int argc, char **operands, struct sl_error *err);
	// Returns the process exit code. Reports its own errors (sl_complain).
	int (*run)(const void *options, int argc, char **operands);
};

struct sl_program {
	const char *name, *version, *summary;
	const struct sl_command *const *commands; // NULL-terminated, in the order of --help
	const char *const *config;		  // NULL-terminated; may be NULL (SL_REACH_CONFIG)
	// Between a command's `before` and its `run`; NULL if the program confines itself in no
	// way.
	bool (*confine)(const struct sl_reach *reach, struct sl_error *err);
};

// The whole of main(): finds the command, parses its options (an option given twice, an unknown or
// ambiguous one, a wrong number of operands are usage errors, exit 2), answers --help and
// --version. The global options -q/--quiet and -v/--verbose may stand before the command.
int sl_program_main(const struct sl_program *program, int argc, char **argv);

// "program: cannot write to stdout" is an error, too: call at the end of each command that prints.
// Returns `code`, or 5 after complaining if stdout could not be flushed.
int sl_finish(int code);

#endif
