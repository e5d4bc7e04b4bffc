// SPDX-License-Identifier: Apache-2.0
// Every ceiling that input meets before it meets memory or disk. specs/limits.md explains each.
#ifndef SL_LIMITS_H
#define SL_LIMITS_H

#define SL_KIB 1024ULL
#define SL_MIB (1024ULL * SL_KIB)
#define SL_GIB (1024ULL * SL_MIB)

// texts that people write
#define SL_LIMIT_SPEC	       (1 * SL_MIB)   // a spec file
#define SL_LIMIT_REQUIREMENTS  (8 * SL_MIB)   // one requirements file
#define SL_LIMIT_INCLUDES      64	      // files reached by -r and -c together
#define SL_LIMIT_LINE	       (64 * SL_KIB)  // one logical line of a requirements file
#define SL_LIMIT_SCRIPT	       (256 * SL_KIB) // one post, test or runscript
#define SL_LIMIT_SCRIPTS       64
#define SL_LIMIT_FILES	       4096 // user files
#define SL_LIMIT_ENV	       1024
#define SL_LIMIT_LABELS	       256
#define SL_LIMIT_HELP	       (48 * SL_KIB)
#define SL_LIMIT_VALUE	       (32 * SL_KIB) // one environment value
#define SL_LIMIT_PROBLEMS      200	     // reported by one check
#define SL_LIMIT_SPEC_NODES    65536	     // keys and values of one spec
#define SL_LIMIT_SPEC_ENTRIES  1024	     // keys of one mapping
#define SL_LIMIT_WHEELHOUSES   16
#define SL_LIMIT_BUILD_OPTIONS 16
#define SL_LIMIT_TIMEOUT       604800 // seconds
#define SL_LIMIT_VERSION       127    // bytes

// bundle format 1
#define SL_LIMIT_PATH	       4096
#define SL_LIMIT_MEMBER_NAME   100
#define SL_LIMIT_DEPTH	       32 // nesting of JSON and YAML
#define SL_LIMIT_MANIFEST      (8 * SL_MIB)
#define SL_LIMIT_SIGNATURE     1024	      // one signature file
#define SL_LIMIT_SIGNATURES    64	      // in one bundle, and in one folder
#define SL_LIMIT_CONTENT_ZST   (64 * SL_MIB)  // content.tar.zst
#define SL_LIMIT_CONTENT_TAR   (256 * SL_MIB) // unpacked
#define SL_LIMIT_CONTENT_FILE  (64 * SL_MIB)  // one file of it
#define SL_LIMIT_CONTENT_FILES 8192
#define SL_LIMIT_WINDOW_LOG    23 // 8 MiB
#define SL_LIMIT_BLOBS	       65536
#define SL_LIMIT_BLOB	       (1024 * SL_GIB)
#define SL_LIMIT_BUNDLE	       (4096 * SL_GIB)
#define SL_INLINE_FILE	       (1 * SL_MIB) // user files up to this size travel in the content

// keys and policy
#define SL_LIMIT_KEY_FILE	 4096
#define SL_LIMIT_POLICY		 (1 * SL_MIB)
#define SL_LIMIT_KDF_OPS	 33554432ULL // minisign's own
#define SL_LIMIT_KDF_MEMORY	 (1 * SL_GIB)
#define SL_LIMIT_PASSWORD	 1023
#define SL_LIMIT_KEYS		 1024
#define SL_LIMIT_KEY_NAME	 100
#define SL_LIMIT_KEY_PATTERNS	 64 // of bundle names, of one key
#define SL_LIMIT_KEY_PATTERN	 63 // bytes of one
#define SL_LIMIT_POLICY_VERSIONS 4096
#define SL_LIMIT_POLICY_BASES	 1024
#define SL_LIMIT_POLICY_INDEXES	 64
#define SL_LIMIT_INDEX		 2048 // bytes of one
#define SL_LIMIT_POLICY_DENIED	 4096
#define SL_LIMIT_DENIED		 1024  // bytes of one
#define SL_LIMIT_COMPARISONS	 8     // of one denied package
#define SL_LIMIT_SIGNED_WITHIN	 36500 // days
#define SL_LIMIT_SIGNATURE_FILES 65536 // in one folder of detached signatures
#define SL_LIMIT_SEEN		 (32 * SL_MIB)
#define SL_LIMIT_SEEN_NAMES	 65536

// wheels (python-packaging facts: PEP 427, PEP 566)
#define SL_LIMIT_WHEELS		  65536 // files in one wheelhouse
#define SL_LIMIT_WHEEL_NAME	  255	// bytes
#define SL_LIMIT_WHEEL_TAGS	  1024	// combinations in one name
#define SL_LIMIT_METADATA	  (8 * SL_MIB)
#define SL_LIMIT_ZIP_DIRECTORY	  (256 * SL_MIB)
#define SL_LIMIT_ZIP_ENTRIES	  262144	 // files in one wheel
#define SL_LIMIT_WHEEL_UNPACKED	  (256 * SL_GIB) // all files of one wheel together
#define SL_LIMIT_WHEEL_RATIO	  200ULL // unpacked to packed, for wheels that unpack to more than …
#define SL_LIMIT_WHEEL_RATIO_FROM (256 * SL_MIB)
#define SL_LIMIT_REQUIRES	  4096 // Requires-Dist of one wheel
#define SL_LIMIT_REQUIRE_LINE	  (16 * SL_KIB)
#define SL_LIMIT_MARKER_DEPTH	  64
#define SL_LIMIT_PACKAGES	  16384 // in one lock
#define SL_LIMIT_PACKAGE_NAME	  128	// bytes
#define SL_LIMIT_HASHES		  4096	// of one package

#endif
