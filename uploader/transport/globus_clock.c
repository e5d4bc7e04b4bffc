// SPDX-License-Identifier: Apache-2.0
// The two things that a test of the driver replaces: time and chance.
#include "uploader/transport/globus.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

int64_t globus_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool globus_ref(char ref[GLOBUS_REF + 1], struct sl_error *err)
{
	unsigned char bytes[GLOBUS_REF / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return sl_fail_errno(err, "cannot get random bytes");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(ref + 2 * i, 3, "%02x", bytes[i]);
	return true;
}
