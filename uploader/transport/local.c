// SPDX-License-Identifier: Apache-2.0
// The transport "local": the agent runs in a Python that we start here, or that a launcher starts
// where Apptainer is. Nothing of it need be visible as a file there: BOOT says hello, reads the
// agent's length and source from its input, then the agent reads requests.
//
// Launchers print banners and the names of modules. What comes before the hello, a line with a
// token of this very start, is theirs; what comes after it is the agent's.
#include "uploader/transport/agent_source.h"
#include "uploader/transport/answer.h"
#include "uploader/transport/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PUT_BYTES   (64 * SL_MIB)
#define PUT_OBJECTS 256

#define BANNER	    65536 // bytes
#define QUOTED	    200
#define TOKEN_BYTES 16

static const char boot_start[] = "import sys;print(\"\\n";
static const char boot_rest[] =
	"\",flush=True);i=sys.stdin.buffer;"
	"exec(compile(i.read(int(i.readline())),\"sealift_agent\",\"exec\"),"
	"{\"__name__\":\"__main__\"})";

struct local {
	struct transport base; // first
	struct child child;
	unsigned timeout;
};

static char *make_hello(struct sl_error *err)
{
	unsigned char bytes[TOKEN_BYTES];
	char hex[2 * TOKEN_BYTES + 1];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
		sl_fail_errno(err, "cannot get random bytes");
		return NULL;
	}
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return sl_format("sealift-agent %s", hex);
}

static void local_close(struct transport *transport)
{
	struct local *local = (struct local *)transport;

	child_stop(&local->child);
	free(local);
}

// The command line, with pointers into `config` and to `boot`; the array is owned by the caller.
static char **make_argv(const struct builder_config *config, char *boot)
{
	size_t len = config->launcher.len;
	char **argv = sl_alloc_array(len + 4, sizeof *argv);

	for (size_t i = 0; i < len; i++)
		argv[i] = config->launcher.items[i];
	argv[len] = (char *)"-I";
	argv[len + 1] = (char *)"-c";
	argv[len + 2] = boot;
	return argv;
}

static bool send_agent(struct local *local, struct sl_error *err)
{
	sl_auto_free char *head = sl_format("%zu\n", agent_source_len);

	return child_send(&local->child, head, strlen(head), local->timeout, err) &&
	       child_send(&local->child, agent_source, agent_source_len, local->timeout, err);
}

// "the launcher 'x' of 'FILE'", or what stands for it without a file. Owned.
static char *name_launcher(const struct builder_config *config)
{
	sl_auto_free char *word = sl_text_shown(config->launcher.items[0]);
	sl_auto_free char *file = sl_text_shown(config->file ? config->file : "");

	return config->file
		       ? sl_format("the launcher '%s' of '%s'", word, file)
		       : sl_format("the launcher '%s' (no --builder-config names another)", word);
}

// The beginning of a line, for a message. Owned.
static char *quote_line(const char *line)
{
	size_t len = strcspn(line, "\n");
	sl_auto_free char *text = sl_strndup(line, len < QUOTED ? len : QUOTED);

	return sl_text_shown(text);
}

// What a launcher has printed so far, for a message: its last line that is not blank.
static void keep_line(char **last, const char *line)
{
	if (line[strspn(line, " \t\r\n")] == '\0')
		return;
	free(*last);
	*last = quote_line(line);
}

// Passes over what the launcher prints. On failure `*last` (owned) is the last of it.
static bool await_hello(struct local *local, const char *hello, char **last, struct sl_error *err)
{
	for (size_t heard = 0;;) {
		sl_auto_free char *line = NULL;
		size_t len;
		if (!child_line(&local->child, local->timeout, &line, &len, err))
			return false;
		if (strcmp(line, hello) == 0)
			return true;
		keep_line(last, line);
		heard += len + 1;
		if (heard > BANNER)
			return sl_fail(err, SL_E_LIMIT,
				       "more than %d bytes, and nothing of the agent among them",
				       BANNER);
	}
}

static bool greet(struct local *local, const struct builder_config *config, const char *hello,
		  struct sl_error *err)
{
	sl_auto_free char *last = NULL;

	if (send_agent(local, err) && await_hello(local, hello, &last, err))
		return true;
	keep_line(&last, local->child.heard.len ? local->child.heard.data : "");
	if (!last)
		return false;
	sl_auto_free char *name = name_launcher(config);
	return sl_prefix(err, "%s printed '%s', but no Python started the agent", name, last);
}

static bool start(struct local *local, const struct builder_config *config, struct sl_error *err)
{
	sl_auto_free char *hello = make_hello(err);

	if (!hello)
		return false;
	sl_auto_free char *boot = sl_format("%s%s%s", boot_start, hello, boot_rest);
	sl_auto_free char **argv = make_argv(config, boot);
	if (!child_start(&local->child, argv, err)) {
		sl_auto_free char *name = name_launcher(config);
		return sl_prefix(err, "%s", name);
	}
	return greet(local, config, hello, err);
}

static bool local_open(const struct builder_config *config, struct transport **out,
		       struct sl_error *err)
{
	auto_transport struct transport *transport = NULL;
	struct local *local = sl_alloc(sizeof *local);

	local->base.ops = &transport_local;
	local->timeout = config->timeout;
	transport = &local->base;
	if (!start(local, config, err))
		return sl_prefix(err, "cannot start the agent of builder 'local'");
	*out = sl_take(transport);
	return true;
}

// What nobody asked for must not be taken for the answer to what is asked next.
static bool fail_unasked(const struct local *local, struct sl_error *err)
{
	sl_auto_free char *shown = quote_line(local->child.heard.data);

	return sl_fail(err, SL_E_FORMAT, "somebody printed '%s' between the agent's answers",
		       shown);
}

static bool send_request(struct local *local, const json_t *request, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 32 * SL_MIB); // the agent's own limit
	if (!local->child.heard.data)
		return sl_fail(err, SL_E_NETWORK, "the agent has been stopped");
	if (!sl_json_canonical(request, &text, err) || !sl_buf_ok(&text, "a request", err))
		return false;
	if (local->child.heard.len > 0)
		return fail_unasked(local, err);
	return child_send(&local->child, text.data, text.len, local->timeout, err);
}

static bool read_answer(struct local *local, json_t **answer_out, struct sl_error *err)
{
	sl_auto_free char *line = NULL;
	size_t len;

	if (!child_line(&local->child, local->timeout, &line, &len, err))
		return false;
	*answer_out = answer_parse(line, len, err);
	return *answer_out && answer_check(*answer_out, err);
}

static bool local_call(struct transport *transport, const json_t *request, json_t **answer_out,
		       struct sl_error *err)
{
	struct local *local = (struct local *)transport;
	const char *op = json_string_value(json_object_get(request, "op"));

	*answer_out = NULL;
	return (send_request(local, request, err) && read_answer(local, answer_out, err)) ||
	       sl_prefix(err, "builder 'local', %s", op);
}

// ---- objects -------------------------------------------------------------------------------

static json_t *put_request(const struct transport_object *const *objects, size_t len)
{
	json_t *request = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *entry = transport_entry(objects[i]);
		sl_json_set_bool(entry, "stream", true);
		sl_json_append(list, entry);
	}
	sl_json_set_string(request, "op", "put");
	sl_json_set(request, "objects", list);
	return request;
}

struct stream {
	struct local *local;
	struct sl_progress *progress;
	uint64_t left;
};

static bool stream_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	struct stream *stream = context;

	if (len > stream->left)
		return sl_fail(err, SL_E_FORMAT, "an object is larger than it was said to be");
	stream->left -= len;
	if (!child_send(&stream->local->child, data, len, stream->local->timeout, err))
		return false;
	if (stream->progress)
		sl_progress_add(stream->progress, len);
	return true;
}

static bool stream_object(struct local *local, const struct transport_object *object,
			  struct sl_progress *progress, struct sl_error *err)
{
	struct stream stream = {local, progress, object->size};
	bool good = object->data ? stream_piece(&stream, object->data, (size_t)object->size, err)
				 : object->feed(object->context, object->index, stream_piece,
						&stream, err);

	if (good && stream.left > 0)
		return sl_fail(err, SL_E_FORMAT, "an object is smaller than it was said to be");
	return good;
}

static bool stream_objects(struct local *local, const struct transport_object *const *objects,
			   size_t len, struct sl_progress *progress, struct sl_error *err)
{
	for (size_t i = 0; i < len; i++)
		if (!stream_object(local, objects[i], progress, err)) {
			// The agent waits for the rest of a stream that will not come.
			child_stop(&local->child);
			return false;
		}
	return true;
}

static bool local_put(struct transport *transport, const struct transport_object *const *objects,
		      size_t len, struct sl_progress *progress, json_t **answer_out,
		      struct sl_error *err)
{
	struct local *local = (struct local *)transport;
	sl_auto_json json_t *request = put_request(objects, len);

	*answer_out = NULL;
	return (send_request(local, request, err) &&
		stream_objects(local, objects, len, progress, err) &&
		read_answer(local, answer_out, err)) ||
	       sl_prefix(err, "builder 'local', put");
}

const struct transport_ops transport_local = {
	.name = "local",
	.open = local_open,
	.call = local_call,
	.put = local_put,
	.put_bytes = PUT_BYTES,
	.put_objects = PUT_OBJECTS,
	.close = local_close,
};
