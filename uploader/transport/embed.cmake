# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a C file that holds the bytes of INPUT.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],)"
	"\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"uploader/transport/agent_source.h\"
const unsigned char agent_source[] = {\n${bytes}\n};
const size_t agent_source_len = sizeof agent_source;\n")
