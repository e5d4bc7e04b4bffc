// SPDX-License-Identifier: Apache-2.0
// cmocka needs these four headers before its own; every unit test includes this one instead.
#ifndef TESTS_CMOCKA_ALL_H
#define TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
