// SPDX-License-Identifier: Apache-2.0
// sbom.cdx.json: CycloneDX 1.5. It holds no clock and no random number: the serial number is made
// of the recipe's digest, so that the same plan and lock give the same bytes (T71).
#include "bundles/recipe/render.h"

#include <string.h>

static void set_hash(json_t *component, const struct sl_digest *sha256)
{
	json_t *hash = json_object(), *hashes = json_array();
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(sha256, hex);
	sl_json_set_string(hash, "alg", "SHA-256");
	sl_json_set_string(hash, "content", hex);
	sl_json_append(hashes, hash);
	sl_json_set(component, "hashes", hashes);
}

static void add_property(json_t *component, const char *name, const char *value)
{
	json_t *properties = json_object_get(component, "properties");
	if (!properties) {
		properties = json_array();
		sl_json_set(component, "properties", properties);
	}
	json_t *property = json_object();
	sl_json_set_string(property, "name", name);
	sl_json_set_string(property, "value", value);
	sl_json_append(properties, property);
}

static json_t *new_component(const char *type, const char *reference, const char *name)
{
	json_t *component = json_object();
	sl_json_set_string(component, "type", type);
	sl_json_set_string(component, "bom-ref", reference);
	sl_json_set_string(component, "name", name);
	return component;
}

// Takes over `text`.
static void set_owned(json_t *object, const char *key, char *text)
{
	sl_json_set_string(object, key, text);
	free(text);
}

// A package URL writes `+` and `!` of a version with percent signs.
static char *package_url(const struct lock_package *package)
{
	sl_auto_buf struct sl_buf url;
	sl_buf_init(&url, 4096);
	sl_buf_addf(&url, "pkg:pypi/%s@", package->name);
	for (const char *at = package->version; *at; at++) {
		if (*at == '+' || *at == '!')
			sl_buf_addf(&url, "%%%02X", (unsigned)*at);
		else
			sl_buf_addc(&url, *at);
	}
	return sl_buf_steal(&url, NULL);
}

// Which of several files the endpoint will fetch is not known: one property lists all digests.
static void add_allowed(json_t *component, const struct lock_package *package)
{
	sl_auto_buf struct sl_buf list;
	sl_buf_init(&list, SL_LIMIT_CONTENT_FILE);
	sl_list_each (&package->hashes, hash) {
		char hex[SL_DIGEST_HEX + 1];
		sl_digest_hex(hash, hex);
		sl_buf_adds(&list, list.len ? " " : "");
		sl_buf_adds(&list, hex);
	}
	add_property(component, "sealift:allowed-sha256", list.data);
}

static json_t *package_component(const struct lock_package *package)
{
	char *url = package_url(package);
	json_t *component = new_component("library", url, package->name);
	sl_json_set_string(component, "version", package->version);
	set_owned(component, "purl", url);
	if (package->carried) {
		set_hash(component, &package->wheel.sha256);
		add_property(component, "sealift:file", package->file);
	} else if (package->hashes.len == 1) {
		set_hash(component, &package->hashes.items[0]);
	} else {
		add_allowed(component, package);
	}
	return component;
}

static json_t *base_component(const struct plan *plan, const struct lock *lock)
{
	json_t *component = NULL;
	if (plan->base.kind == BASE_DOCKER) {
		char hex[SL_DIGEST_HEX + 1];
		sl_digest_hex(&plan->base.digest, hex);
		component = new_component("container", "base", plan->base.reference);
		set_owned(component, "purl",
			  sl_format("pkg:oci/%s@sha256%%3A%s?repository_url=%s",
				    strrchr(plan->base.reference, '/') + 1, hex,
				    plan->base.reference));
		set_owned(component, "version", sl_format("sha256:%s", hex));
		if (plan->base.tag)
			add_property(component, "sealift:tag", plan->base.tag);
	} else {
		component = new_component("container", "base", sl_path_leaf(plan->base.file));
		set_hash(component, &lock->base.sha256);
	}
	add_property(component, "sealift:bootstrap", base_kind_name(plan->base.kind));
	return component;
}

static json_t *file_component(const struct plan_file *file, const struct lock_blob *blob)
{
	sl_auto_free char *reference = sl_format("file:%s", file->to);
	json_t *component = new_component("file", reference, file->to);
	set_hash(component, &blob->sha256);
	return component;
}

static json_t *components(const struct plan *plan, const struct lock *lock)
{
	json_t *array = json_array();
	sl_json_append(array, base_component(plan, lock));
	sl_list_each (&lock->packages, package) {
		sl_json_append(array, package_component(package));
	}
	for (size_t i = 0; i < plan->files.len; i++)
		sl_json_append(array, file_component(&plan->files.items[i], &lock->files.items[i]));
	return array;
}

static json_t *new_dependency(const char *reference)
{
	json_t *dependency = json_object();
	sl_json_set_string(dependency, "ref", reference);
	sl_json_set(dependency, "dependsOn", json_array());
	return dependency;
}

static void depend_on(json_t *dependency, const char *reference)
{
	sl_json_append(json_object_get(dependency, "dependsOn"), json_string(reference));
}

// The image depends on all that is put into it.
static json_t *image_dependency(const json_t *all)
{
	json_t *dependency = new_dependency("image");
	size_t i;
	json_t *component;
	json_array_foreach (all, i, component) {
		depend_on(dependency, json_string_value(json_object_get(component, "bom-ref")));
	}
	return dependency;
}

static json_t *package_dependency(const struct lock *lock, const struct lock_package *package)
{
	sl_auto_free char *reference = package_url(package);
	json_t *dependency = new_dependency(reference);
	for (size_t i = 0; i < package->requires.len; i++) {
		sl_auto_free char *needed =
			package_url(lock_find(lock, package->requires.items[i]));
		depend_on(dependency, needed);
	}
	return dependency;
}

static json_t *dependencies(const struct lock *lock, const json_t *all)
{
	json_t *array = json_array();
	sl_json_append(array, image_dependency(all));
	if (lock->dependencies_checked) {
		sl_list_each (&lock->packages, package) {
			sl_json_append(array, package_dependency(lock, package));
		}
	}
	return array;
}

static json_t *metadata(const struct plan *plan)
{
	json_t *object = json_object();
	json_t *image = new_component("container", "image", plan->name);
	sl_json_set_string(image, "version", plan->version);
	if (*plan->description)
		sl_json_set_string(image, "description", plan->description);
	add_property(image, "sealift:recipe", "1");
	add_property(image, "sealift:python", plan->target.python);
	add_property(image, "sealift:platform", plan->target.platform);
	add_property(image, "sealift:glibc", plan->target.glibc);
	sl_json_set(object, "component", image);
	return object;
}

// A version 8 UUID (RFC 9562): 122 bits of the digest under the fixed version and variant.
static char *serial_number(const struct sl_digest *recipe)
{
	struct sl_digest bits = *recipe;
	char hex[SL_DIGEST_HEX + 1];
	bits.bytes[6] = (unsigned char)(0x80 | (bits.bytes[6] & 0x0f));
	bits.bytes[8] = (unsigned char)(0x80 | (bits.bytes[8] & 0x3f));
	sl_digest_hex(&bits, hex);
	return sl_format("urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
			 hex + 20);
}

void render_sbom(const struct plan *plan, const struct lock *lock, const struct sl_digest *recipe,
		 json_t **sbom_out)
{
	json_t *sbom = json_object(), *all = components(plan, lock);
	sl_json_set_string(sbom, "bomFormat", "CycloneDX");
	sl_json_set_string(sbom, "specVersion", "1.5");
	set_owned(sbom, "serialNumber", serial_number(recipe));
	sl_json_set_uint(sbom, "version", 1);
	sl_json_set(sbom, "metadata", metadata(plan));
	sl_json_set(sbom, "dependencies", dependencies(lock, all));
	sl_json_set(sbom, "components", all);
	*sbom_out = sbom;
}
