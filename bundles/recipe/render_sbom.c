// SPDX-License-Identifier: Apache-2.0
// sbom.cdx.json: CycloneDX 1.5, written with its keys sorted and without white space. It holds no
// clock and no random number: the serial number is made of the recipe's digest, so that the same
// plan and lock give the same bytes (T71).
#include "bundles/recipe/render.h"

#include <string.h>

#define PROPERTIES_MAX 4

struct property {
	const char *name, *value;
};

// What is NULL, or has no entries, is not written.
struct component {
	const char *reference, *type, *name, *version, *description, *purl;
	const struct sl_digest *sha256;
	struct property properties[PROPERTIES_MAX];
	const struct lock_package *fetched; // all its digests become one property
};

// Writes `,"key":` without the comma at the beginning of an object.
static void add_key(const char *key, struct sl_buf *out)
{
	if (out->data[out->len - 1] != '{')
		sl_buf_addc(out, ',');
	sl_json_add_string(key, out);
	sl_buf_addc(out, ':');
}

static void add_field(const char *key, const char *value, struct sl_buf *out)
{
	if (!value)
		return;
	add_key(key, out);
	sl_json_add_string(value, out);
}

static void add_hash(const struct sl_digest *sha256, struct sl_buf *out)
{
	add_key("hashes", out);
	sl_buf_adds(out, "[{\"alg\":\"SHA-256\",\"content\":\"");
	sl_digest_add_hex(sha256, out);
	sl_buf_adds(out, "\"}]");
}

static void add_property(const struct property *property, struct sl_buf *out)
{
	sl_buf_addc(out, '{');
	add_field("name", property->name, out);
	add_field("value", property->value, out);
	sl_buf_addc(out, '}');
}

// Which of several files the installer will fetch is not known: one property lists all digests.
static void add_allowed(const struct lock_package *package, struct sl_buf *out)
{
	sl_buf_adds(out, "{\"name\":\"sealift:allowed-sha256\",\"value\":\"");
	for (size_t i = 0; i < package->hashes.len; i++) {
		if (i)
			sl_buf_addc(out, ' ');
		sl_digest_add_hex(&package->hashes.items[i], out);
	}
	sl_buf_adds(out, "\"}");
}

static void add_properties(const struct component *component, struct sl_buf *out)
{
	if (!component->properties[0].name && !component->fetched)
		return;
	add_key("properties", out);
	sl_buf_addc(out, '[');
	for (size_t i = 0; i < PROPERTIES_MAX && component->properties[i].name; i++) {
		if (i)
			sl_buf_addc(out, ',');
		add_property(&component->properties[i], out);
	}
	if (component->fetched)
		add_allowed(component->fetched, out);
	sl_buf_addc(out, ']');
}

static void add_component(const struct component *component, struct sl_buf *out)
{
	sl_buf_addc(out, '{');
	add_field("bom-ref", component->reference, out);
	add_field("description", component->description, out);
	if (component->sha256)
		add_hash(component->sha256, out);
	add_field("name", component->name, out);
	add_properties(component, out);
	add_field("purl", component->purl, out);
	add_field("type", component->type, out);
	add_field("version", component->version, out);
	sl_buf_addc(out, '}');
}

// ---- the parts -----------------------------------------------------------------------------

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

static void add_package(const struct lock_package *package, const char *url, struct sl_buf *out)
{
	struct component component = {
		.reference = url,
		.type = "library",
		.name = package->name,
		.version = package->version,
		.purl = url,
	};
	if (package->carried) {
		component.sha256 = &package->wheel.sha256;
		component.properties[0] = (struct property){"sealift:file", package->file};
	} else if (package->hashes.len == 1) {
		component.sha256 = &package->hashes.items[0];
	} else {
		component.fetched = package;
	}
	add_component(&component, out);
}

static void add_fetched_base(const struct plan_base *base, struct sl_buf *out)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&base->digest, hex);
	sl_auto_free char *version = sl_format("sha256:%s", hex);
	sl_auto_free char *purl =
		sl_format("pkg:oci/%s@sha256%%3A%s?repository_url=%s",
			  strrchr(base->reference, '/') + 1, hex, base->reference);
	struct property bootstrap = {"sealift:bootstrap", base_kind_name(base->kind)};
	struct component component = {
		.reference = "base",
		.type = "container",
		.name = base->reference,
		.version = version,
		.purl = purl,
		.properties = {bootstrap},
	};
	if (base->tag) {
		component.properties[0] = (struct property){"sealift:tag", base->tag};
		component.properties[1] = bootstrap;
	}
	add_component(&component, out);
}

static void add_base(const struct plan *plan, const struct lock *lock, struct sl_buf *out)
{
	const struct plan_base *base = &plan->base;
	if (base->kind == BASE_DOCKER) {
		add_fetched_base(base, out);
		return;
	}
	add_component(&(struct component){.reference = "base",
					  .type = "container",
					  .name = sl_path_leaf(base->file),
					  .sha256 = &lock->base.sha256,
					  .properties = {{"sealift:bootstrap",
							  base_kind_name(base->kind)}}},
		      out);
}

static void add_file(const struct plan_file *file, const struct lock_blob *blob, struct sl_buf *out)
{
	sl_auto_free char *reference = sl_format("file:%s", file->to);
	add_component(&(struct component){.reference = reference,
					  .type = "file",
					  .name = file->to,
					  .sha256 = &blob->sha256},
		      out);
}

// The package URLs, each made once.
static void list_urls(const struct lock *lock, struct sl_strings *urls)
{
	sl_list_each (&lock->packages, package) {
		*sl_list_add(urls) = package_url(package);
	}
}

static void add_components(const struct plan *plan, const struct lock *lock,
			   const struct sl_strings *urls, struct sl_buf *out)
{
	add_key("components", out);
	sl_buf_addc(out, '[');
	add_base(plan, lock, out);
	for (size_t i = 0; i < lock->packages.len; i++) {
		sl_buf_addc(out, ',');
		add_package(&lock->packages.items[i], urls->items[i], out);
	}
	for (size_t i = 0; i < plan->files.len; i++) {
		sl_buf_addc(out, ',');
		add_file(&plan->files.items[i], &lock->files.items[i], out);
	}
	sl_buf_addc(out, ']');
}

// ---- what depends on what ------------------------------------------------------------------

// The image depends on all that is put into it.
static void add_image_dependency(const struct plan *plan, const struct sl_strings *urls,
				 struct sl_buf *out)
{
	sl_buf_adds(out, "{\"dependsOn\":[\"base\"");
	for (size_t i = 0; i < urls->len; i++) {
		sl_buf_addc(out, ',');
		sl_json_add_string(urls->items[i], out);
	}
	sl_list_each (&plan->files, file) {
		sl_auto_free char *reference = sl_format("file:%s", file->to);
		sl_buf_addc(out, ',');
		sl_json_add_string(reference, out);
	}
	sl_buf_adds(out, "],\"ref\":\"image\"}");
}

static void add_package_dependency(const struct lock *lock, const struct sl_strings *urls, size_t i,
				   struct sl_buf *out)
{
	const struct sl_strings *requires = &lock->packages.items[i].requires;
	sl_buf_adds(out, ",{\"dependsOn\":[");
	for (size_t j = 0; j < requires->len; j++) {
		const struct lock_package *needed = lock_find(lock, requires->items[j]);
		if (j)
			sl_buf_addc(out, ',');
		sl_json_add_string(urls->items[needed - lock->packages.items], out);
	}
	sl_buf_addc(out, ']');
	add_field("ref", urls->items[i], out);
	sl_buf_addc(out, '}');
}

static void add_dependencies(const struct plan *plan, const struct lock *lock,
			     const struct sl_strings *urls, struct sl_buf *out)
{
	add_key("dependencies", out);
	sl_buf_addc(out, '[');
	add_image_dependency(plan, urls, out);
	for (size_t i = 0; lock->dependencies_checked && i < lock->packages.len; i++)
		add_package_dependency(lock, urls, i, out);
	sl_buf_addc(out, ']');
}

static void add_metadata(const struct plan *plan, struct sl_buf *out)
{
	add_key("metadata", out);
	sl_buf_addc(out, '{');
	add_key("component", out);
	add_component(
		&(struct component){.reference = "image",
				    .type = "container",
				    .name = plan->name,
				    .version = plan->version,
				    .description = *plan->description ? plan->description : NULL,
				    .properties = {{"sealift:recipe", "1"},
						   {"sealift:python", plan->target.python},
						   {"sealift:platform", plan->target.platform},
						   {"sealift:glibc", plan->target.glibc}}},
		out);
	sl_buf_addc(out, '}');
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
		 struct sl_buf *out)
{
	struct sl_strings urls = {0};
	list_urls(lock, &urls);
	sl_auto_free char *serial = serial_number(recipe);
	sl_buf_addc(out, '{');
	add_field("bomFormat", "CycloneDX", out);
	add_components(plan, lock, &urls, out);
	add_dependencies(plan, lock, &urls, out);
	add_metadata(plan, out);
	add_field("serialNumber", serial, out);
	add_field("specVersion", "1.5", out);
	sl_buf_adds(out, ",\"version\":1}\n");
	sl_strings_release(&urls);
}
