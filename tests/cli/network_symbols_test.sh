#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The objects that sealift is made of import no network function, and none that asks a name service.
# shellcheck source=tests/cli/lib.sh
. "$SEALIFT_SOURCE_DIR/tests/cli/lib.sh"

: "${SEALIFT_BUILD_DIR:?}"
pattern='^(curl_.*|socket|socketpair|connect|bind|listen|accept4?|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|getaddrinfo|gethostby.*|getpw.*|getgr.*|io_uring.*|dlopen)$'
find "$SEALIFT_BUILD_DIR/bundles" "$SEALIFT_BUILD_DIR/compiler" -name '*.o' >objects
[ "$(wc -l <objects)" -gt 50 ] || fail "found only $(wc -l <objects) objects"
xargs nm -u <objects | sed -n 's/^ *U \([^@]*\).*/\1/p' | sort -u >imported
grep -qx SHA256_Update imported || fail "the list of imports is not one"
if grep -E "$pattern" imported; then
	fail "an object of sealift imports a network function"
fi
echo "$(wc -l <imported) imported functions, no network function among them"
