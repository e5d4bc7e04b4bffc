// SPDX-License-Identifier: Apache-2.0
// Is a base image file what the spec calls it? Its first block says enough to refuse a download
// that failed, a file that was fetched only half, and one kind of image under the name of another.
#ifndef SL_SPEC_IMAGE_H
#define SL_SPEC_IMAGE_H

#include "compiler/spec/spec.h"

// `kind` is one of the three of images. On SL_E_INPUT `*hint_out` is what would help (not owned).
bool image_check(enum spec_input_kind kind, int fd, uint64_t size, const char *shown,
		 const char **hint_out, struct sl_error *err) SL_MUST_USE;

#endif
