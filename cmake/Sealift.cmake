# SPDX-License-Identifier: Apache-2.0
# Flags, libraries and the two shapes that everything here has: a room and a program.

add_library(sealift_flags INTERFACE)
target_include_directories(sealift_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(sealift_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
	SEALIFT_VERSION="${PROJECT_VERSION}" $<$<BOOL:${SEALIFT_ANALYZE}>:SEALIFT_ANALYZE>)
target_compile_options(sealift_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wformat=2 -Wvla
	-Wstrict-prototypes -Wmissing-prototypes
	-fstack-protector-strong -ffunction-sections -fdata-sections
	$<$<BOOL:${SEALIFT_WERROR}>:-Werror>
	$<$<BOOL:${SEALIFT_ANALYZE}>:-fanalyzer>)
target_link_options(sealift_flags INTERFACE -Wl,--gc-sections)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SEALIFT_SANITIZE AND NOT SEALIFT_FUZZ)
	target_compile_definitions(sealift_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(SEALIFT_SANITIZE OR SEALIFT_FUZZ)
	set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
	if(SEALIFT_FUZZ)
		list(APPEND sanitizers -fsanitize=fuzzer-no-link)
	endif()
	target_compile_options(sealift_flags INTERFACE ${sanitizers})
	target_link_options(sealift_flags INTERFACE ${sanitizers})
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
target_link_libraries(sealift_flags INTERFACE Threads::Threads)

# sealift_find(NAME archive-name header): an interface library sealift::NAME, as an archive when
# static, with the further archives that it needs only then.
function(sealift_find name header)
	cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "STATIC_ALSO")
	add_library(sealift_${name} INTERFACE)
	find_path(SEALIFT_${name}_INCLUDE ${header} REQUIRED)
	find_library(SEALIFT_${name}_SHARED NAMES ${name} REQUIRED)
	target_link_libraries(sealift_${name} INTERFACE ${SEALIFT_${name}_SHARED})
	add_library(sealift_static_${name} INTERFACE)
	if(SEALIFT_STATIC)
		foreach(one ${name} ${arg_STATIC_ALSO})
			find_library(SEALIFT_${one}_ARCHIVE NAMES lib${one}.a REQUIRED)
			target_link_libraries(sealift_static_${name} INTERFACE ${SEALIFT_${one}_ARCHIVE})
		endforeach()
	endif()
endfunction()

sealift_find(jansson jansson.h)
sealift_find(crypto openssl/sha.h)
sealift_find(z zlib.h)
sealift_find(zstd zstd.h)
sealift_find(archive archive.h STATIC_ALSO acl)
sealift_find(sodium sodium.h)
sealift_find(yaml yaml.h)
sealift_find(sqlite3 sqlite3.h)
sealift_find(curl curl/curl.h)
find_path(SEALIFT_UTHASH_INCLUDE uthash.h REQUIRED)

# sealift_room(NAME [USES room...] [LIBRARIES library...]): the static library room_NAME of the *.c
# in this folder. Libraries are linked by the programs and tests, so that the same objects go into a
# static and a dynamic program.
function(sealift_room name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
	file(GLOB sources CONFIGURE_DEPENDS *.c)
	list(FILTER sources EXCLUDE REGEX "/main\\.c$")
	if(NOT sources)
		add_library(room_${name} INTERFACE)
		return()
	endif()
	add_library(room_${name} STATIC ${sources})
	target_link_libraries(room_${name} PRIVATE sealift_flags)
	foreach(used ${arg_USES})
		target_link_libraries(room_${name} PUBLIC room_${used})
	endforeach()
	foreach(library ${arg_LIBRARIES})
		if(SEALIFT_STATIC)
			target_link_libraries(room_${name} INTERFACE
				$<IF:$<BOOL:$<TARGET_PROPERTY:SEALIFT_LINK_STATIC>>,sealift_static_${library},sealift_${library}>)
		else()
			target_link_libraries(room_${name} INTERFACE sealift_${library})
		endif()
	endforeach()
endfunction()
